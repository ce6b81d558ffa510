import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import { summaryOf } from '../../simulations/outcome.ts'
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

const heart = '../shared/data/heart-disease'

test.skipIf(!existsSync(heart))(
  'on the heart data federated is within 0.01 AUC of pooled and better than the mean site alone, over five seeds',
  async () => {
    const file = parsePlanFile(await readFile('examples/heart.yaml', 'utf8'), planMenus)
    const { auc, seeds } = summaryOf(await simulate(file, { ...options, data: heart }))
    expect(seeds).toEqual([1, 2, 3, 4, 5])
    if (auc === undefined) throw new Error('the label is binary')
    expect(Math.abs(auc.federated - auc.pooled)).toBeLessThan(0.01)
    expect(auc.federated).toBeGreaterThan(auc.alone.reduce((sum, value) => sum + value, 0) / auc.alone.length)
    expect(auc.federated).toBeGreaterThan(0.87)
  },
)

const digits = '../shared/data/mnist-subset'

test.skipIf(!existsSync(digits))(
  'images from IDX files train end to end, judged by accuracy',
  async () => {
    const { plan, simulation } = parsePlanFile(await readFile('examples/digits.yaml', 'utf8'), planMenus)
    const short = { plan: { ...plan, rounds: 2, model: { name: 'mlp', hidden: [32] } }, simulation }
    const summary = summaryOf(await simulate(short, { ...options, data: digits }))
    expect(summary).not.toHaveProperty('auc')
    expect(summary.accuracy?.federated).toBeGreaterThan(0.8)
  },
  60_000,
)

const command = (...flags: string[]) => {
  const given = ['dist/concordat.js', 'simulate', 'examples/hospitals.yaml', '--json', ...flags]
  const { status, stdout } = spawnSync(process.execPath, given, { encoding: 'utf8' })
  return { status, last: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') }
}

test('the command prints the same last line with masks and without, and after a change of the file another one', () => {
  const without = command('--set', 'rounds=3')
  expect(without).toMatchObject({
    status: 0,
    last: { seeds: [1], rounds: 5, modelHash: expect.stringMatching(/^[0-9a-f]{64}$/), auc: { alone: { length: 4 } } },
  })
  expect(command('--set', 'rounds=3', '--masks', 'on')).toEqual(without)
  expect(command('--set', 'rounds=3', '--workers', '2')).toEqual(without)
  expect(command('--set', 'rounds=2').last.modelHash).not.toBe(without.last.modelHash)
})

test('the command refuses what does not hold with exit code 2, its code and a suggestion', () => {
  const refused = {
    status: 2,
    last: { error: { code: 'ERR_PLAN', message: expect.stringContaining('did you mean "rounds"') } },
  }
  expect(command('--set', 'round=3')).toEqual(refused)
})
