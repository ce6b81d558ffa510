import { expect, test } from 'vitest'
import { chooseTrainer } from '../../../learning/engine/choose.ts'
import { small } from '../../contracts/trainer.ts'

test('a model of dense layers runs on the compiled engine, and the choice is reported', async () => {
  const lines: string[] = []
  const trainer = await chooseTrainer({ report: (line) => lines.push(line) })(small.regression)
  expect(trainer.backend).toMatch(/^compiled (simd128|relaxed)$/)
  expect(lines).toEqual([`engine: ${trainer.backend}`])
})

test('an engine can be forced', async () => {
  const trainer = await chooseTrainer({ prefer: 'tfjs', tfjs: { backend: 'cpu' } })(small.regression)
  expect(trainer.backend).toBe('tfjs cpu')
})
