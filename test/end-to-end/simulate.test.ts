import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import { simulate } from '../../simulations/simulate.ts'

const study = async () => {
  const file = parsePlanFile(await readFile('examples/hospitals.yaml', 'utf8'), planMenus)
  return { plan: { ...file.plan, rounds: 5 }, simulation: { dataset: 'four-hospitals' } }
}
const options = { data: undefined, trainer: chooseTrainer(), report: () => {} }

test('the same plan and seed give the same model through the secure sum, whatever the keys', async () => {
  const first = await simulate(await study(), options)
  const second = await simulate(await study(), options)
  expect(first[0].modelHash).toMatch(/^[0-9a-f]{64}$/)
  expect(second).toEqual(first)
  expect(first[0].rounds).toBe(7)
})
