import { expect, test } from 'vitest'
import { chooseTrainer, type EngineOptions } from '../../../learning/engine/choose.ts'
import type { EngineWishes } from '../../../learning/engine/trainer.ts'
import { small } from '../../contracts/trainer.ts'

test('a model of dense layers runs on the compiled engine, and the choice is reported', async () => {
  const lines: string[] = []
  const trainer = await chooseTrainer({ report: (line) => lines.push(line) })(small.regression)
  expect(trainer.backend).toMatch(/^compiled (simd128|relaxed)$/)
  expect(lines).toEqual([`engine: ${trainer.backend}`])
})

test('a plan may wish for an engine, and for the same bits everywhere; what the site forces goes before', async () => {
  const backend = async (options: EngineOptions, wishes: EngineWishes) =>
    (await chooseTrainer(options)(small.regression, wishes)).backend
  expect(await backend({}, { relaxed: false })).toBe('compiled simd128')
  expect(await backend({ tfjs: { backend: 'cpu' } }, { use: 'tfjs' })).toBe('tfjs cpu')
  expect(await backend({ prefer: 'compiled' }, { use: 'tfjs', relaxed: false })).toBe('compiled simd128')
})

test('an engine can be forced', async () => {
  const trainer = await chooseTrainer({ prefer: 'tfjs', tfjs: { backend: 'cpu' } })(small.regression)
  expect(trainer.backend).toBe('tfjs cpu')
})
