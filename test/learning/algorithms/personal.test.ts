import { expect, test } from 'vitest'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { parametersOf, parseModel } from '../../../learning/algorithms/model-file.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { siteMemory } from '../../../learning/algorithms/site-memory.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { Stream } from '../../../protocol/stream.ts'
import { federate } from '../../support/federation.ts'
import { planOf } from './plans.ts'

const data = {
  columns: [
    { name: 'x', type: 'number', range: [-1000, 1000] },
    { name: 'y', type: 'number', range: [-1000, 1000] },
  ],
  label: { column: 'z', type: 'binary', positive: ['1'], negative: ['0'] },
}
const trainer = compiledTrainer({ variant: 'simd128' })

interface Sites {
  /** Whether the site means the opposite by its label. */
  readonly turned: boolean
  /** The unit in which the site writes its features. */
  readonly unit: number
}

/** A label that is the same curve of two features at every site, up to what the site does to it. */
function siteWith(name: string, { turned, unit }: Sites): Site {
  const plan = planOf({ name: 'fed-avg' }, { data })
  const stream = new Stream(`personal/${name}`)
  const points = Array.from({ length: 120 }, () => [2 * stream.uniform() - 1, 2 * stream.uniform() - 1] as const)
  const column = (name: string, i: 0 | 1) => ({
    ...{ type: 'number' as const, name },
    values: Float64Array.from(points, (point) => unit * point[i]),
  })
  const label = Float32Array.from(points, ([x, y]) => Number(y > x * x - 0.3 !== turned))
  const table = { schema: plan.data, rows: 120, columns: [column('x', 0), column('y', 1)], label }
  return { name, trainer, memory: siteMemory(), table }
}

const train = { localEpochs: 2, batchSize: 10, learningRate: 0.3 }
const model = { name: 'mlp', hidden: [16], activation: 'tanh' }

async function accuracyOf(algorithm: Record<string, unknown>, sites: readonly Site[], change = {}) {
  const plan = planOf({ ...train, ...algorithm }, { data, model, rounds: 25, ...change })
  const run = algorithms[plan.algorithm.name].create(plan)
  const end = await federate(
    run,
    sites.map((site) => ({ ...site, memory: siteMemory() })),
  )
  return { accuracy: run.metrics(end).accuracy, file: parseModel(run.result(end)) }
}

const atOdds = [false, false, true, true].map((turned, i) => siteWith(`s${i}`, { turned, unit: 1 }))

test('where sites mean opposite things by a label, one model fails and personal heads and personal models do not', async () => {
  expect((await accuracyOf({ name: 'fed-avg' }, atOdds)).accuracy).toBeLessThan(0.65)
  expect((await accuracyOf({ name: 'fed-rep' }, atOdds)).accuracy).toBeGreaterThan(0.85)
  expect((await accuracyOf({ name: 'ditto', lambda: 0.01, personalEpochs: 4 }, atOdds)).accuracy).toBeGreaterThan(0.85)
})

test('a head never leaves its site: it is in no lane, and the global model keeps the one it began with', async () => {
  const run = algorithms['fed-rep'].create(planOf({ name: 'fed-rep' }, { data, model }))
  const begun = run.apply(run.init(), run.request(run.init()) ?? never(), statisticsOf(run), 4)
  const update = run.request(begun)?.lanes.find(({ name }) => name === 'update')
  // 2 * 16 + 16 of 65 parameters; 17 are the head.
  expect(update?.length).toBe(48)
  const { file } = await accuracyOf({ name: 'fed-rep' }, atOdds)
  const { file: other } = await accuracyOf({ name: 'fed-rep' }, atOdds, { rounds: 1 })
  const head = (from: typeof file) => parametersOf(from).slice(48)
  expect(head(file)).toEqual(head(other))
  expect(parametersOf(file).slice(0, 48)).not.toEqual(parametersOf(other).slice(0, 48))
})

test('normalisation that stays at the site withstands features of another sign and size', async () => {
  const units = [1, 1, -3, -3].map((unit, i) => siteWith(`u${i}`, { turned: false, unit }))
  const normed = { model: { ...model, norm: 'layer' } }
  const shared = (await accuracyOf({ name: 'fed-avg' }, units, normed)).accuracy
  const own = (await accuracyOf({ name: 'fed-bn' }, units, normed)).accuracy
  expect(own).toBeGreaterThan(shared + 0.05)
})

test.each([
  ['fed-rep', 'logistic', 'model.name'],
  ['fed-bn', 'mlp', 'model'],
])('%s refuses a %s that has nothing to keep at the site', (name, chosen, where) => {
  const plan = planOf({ name }, { data, model: { name: chosen } })
  expect(() => algorithms[name].create(plan)).toThrow(expect.objectContaining({ code: 'ERR_PLAN', where }))
})

const never = (): never => {
  throw new Error('a round was expected')
}

const statisticsOf = (run: ReturnType<(typeof algorithms)['fed-rep']['create']>) =>
  Object.fromEntries(
    (run.request(run.init()) ?? never()).lanes.map(({ name, length }) => [name, new Float64Array(length).fill(1)]),
  )
