import fc from 'fast-check'
import { expect, test } from 'vitest'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { parametersOf, parseModel } from '../../../learning/algorithms/model-file.ts'
import { splitTable } from '../../../learning/algorithms/site-data.ts'
import { prepare } from '../../../learning/data/preprocess.ts'
import { joinTables, type selectRows } from '../../../learning/data/table.ts'
import { initialParameters } from '../../../learning/models/initial.ts'
import type { Algorithm, Lanes, SumRequest } from '../../../protocol/algorithm.ts'
import { bounded } from '../../../protocol/privacy/bounded.ts'
import { Stream } from '../../../protocol/stream.ts'
import { federate, sumLanes } from '../../support/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { planOf, siteOf, threeSites } from './plans.ts'

const create = (plan: ReturnType<typeof planOf>) => algorithms['fed-avg'].create(plan)
const wholeBatch = { name: 'fed-avg', batchSize: 1000, learningRate: 0.5, clip: 1000 }

test('with one step a round on all rows it is gradient descent on the rows of all sites in one place', async () => {
  const plan = planOf(wholeBatch, { rounds: 5 })
  const algorithm = create(plan)
  const model = parseModel(algorithm.result(await federate(algorithm, threeSites)))

  const [first, ...others] = threeSites.map((site) => splitTable(site, plan).training)
  const pooled = prepare(joinTables([first, ...others]), model.preprocessing)
  const trainer = await plainTrainer(model.model)
  const start = initialParameters(model.model, new Stream(`${plan.seed}/initial`))
  const options = { epochs: 5, batchSize: 1000, optimiser: 'sgd' as const, learningRate: 0.5 }
  const central = await trainer.train(start, pooled, options, new Stream('any'))
  for (const [i, value] of parametersOf(model).entries()) expect(value).toBeCloseTo(central.parameters[i], 5)
})

test('held-out rows touch neither the preprocessing nor the parameters', async () => {
  const plan = planOf({ name: 'fed-avg' }, { rounds: 2 })
  const spoiled = threeSites.map((site) => {
    const { training } = splitTable(site, plan)
    const kept = new Set<unknown>(numbersOf(training))
    const columns = site.table.columns.map((column) =>
      column.type === 'number' && column.name === 'a'
        ? { ...column, values: column.values.map((value) => (kept.has(value) ? value : 29)) }
        : column,
    )
    return { ...site, table: { ...site.table, columns } }
  })
  const [clean, other] = await Promise.all(
    [threeSites, spoiled].map(async (sites) => {
      const algorithm = create(plan)
      return parseModel(algorithm.result(await federate(algorithm, sites)))
    }),
  )
  expect(other.preprocessing).toEqual(clean.preprocessing)
  expect(other.parameters).toBe(clean.parameters)
  expect(other.metrics).not.toEqual(clean.metrics)
})

test('an update is never longer than the clip, and the sum says how many sites were clipped', async () => {
  const plan = planOf({ name: 'fed-avg', learningRate: 50, clip: 0.5 }, { rounds: 1 })
  const algorithm = create(plan)
  const state = await federate(algorithm, threeSites)
  expect(algorithm.metrics(state)).toMatchObject({ clipped: 3 })
})

test('a site that was not in the first round weighs at most as much as all others together', async () => {
  const plan = planOf({ name: 'fed-avg' }, { rounds: 2 })
  const algorithm = create(plan)
  const small = [siteOf('small', 10, 0)]
  const begun = await step(algorithm, algorithm.init(), small, 1)
  const request = algorithm.request(begun)
  if (request === undefined) throw new Error('a round was expected')
  const late = await algorithm.contribute(begun, request, siteOf('late', 500, 0), 2)
  expect(late.weight).toEqual(Float64Array.of(1))
  expect(() => sumLanes(request, [late])).not.toThrow()
})

test('the evaluation during training counts what the last round counts', async () => {
  const plan = planOf({ name: 'fed-avg', learningRate: 1e-9 }, { rounds: 2 })
  const algorithm = create(plan)
  let state = algorithm.init()
  const seen: Record<string, number>[] = []
  for (let round = 1; algorithm.request(state) !== undefined; round++) {
    state = await step(algorithm, state, threeSites, round)
    seen.push({ ...algorithm.metrics(state) })
  }
  const [, first, , last] = seen
  for (const name of ['examples', 'positives', 'accuracy', 'auc', 'ks']) expect(first[name]).toBeCloseTo(last[name], 9)
  expect(first.loss).toBeCloseTo(last.loss, 5)
})

test('a sum that would make the parameters infinite is refused', () => {
  const algorithm = create(planOf({ name: 'fed-avg' }, { evaluation: { holdout: 0 } }))
  fc.assert(
    fc.property(fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 1e300), (value) => {
      const begun = begin(algorithm)
      const request = algorithm.request(begun)
      if (request === undefined) throw new Error('a round was expected')
      const sum = Object.fromEntries(
        request.lanes.map(({ name, length }) => [name, new Float64Array(length).fill(name === 'update' ? value : 1)]),
      )
      expect(() => algorithm.apply(begun, request, sum, 3)).toThrow(
        expect.objectContaining({ code: 'ERR_STATE_NOT_FINITE' }),
      )
    }),
  )
})

test.each([
  ['no label', { data: { columns: [{ name: 'a', type: 'number', range: [0, 1] }] } }, 'data.label'],
  ['no model', { model: undefined }, 'model'],
  [
    'an unknown unit',
    { data: { columns: [{ name: 'a', type: 'number', range: [0, 1], unit: 'yaers' }] } },
    'data.columns.0.unit',
  ],
])('a plan with %s is refused before the first round', (_, change, where) => {
  expect(() => create(planOf({ name: 'fed-avg' }, change))).toThrow(
    expect.objectContaining({ code: 'ERR_PLAN', where }),
  )
})

test('a number as label is learned and judged in its own unit', async () => {
  const schema = {
    columns: [{ name: 'x', type: 'number', range: [0, 1] }],
    label: { column: 'y', type: 'number', range: [0, 200] },
  }
  const plan = planOf(
    { name: 'fed-avg', learningRate: 0.1, batchSize: 4 },
    { rounds: 30, data: schema, model: { name: 'mlp', hidden: [] } },
  )
  const sites = ['a', 'b', 'c'].map((name) => {
    const stream = new Stream(name)
    const values = Float64Array.from({ length: 40 }, () => stream.uniform())
    const columns = [{ type: 'number' as const, name: 'x', values }]
    const label = Float32Array.from(values, (x) => 20 + 100 * x + stream.normal())
    return { name, table: { schema: plan.data, rows: 40, columns, label }, trainer: plainTrainer }
  })
  const algorithm = create(plan)
  const { rootMeanSquaredError, r2 } = algorithm.metrics(await federate(algorithm, sites))
  expect(rootMeanSquaredError).toBeGreaterThan(0.5)
  expect(rootMeanSquaredError).toBeLessThan(1.6)
  expect(r2).toBeGreaterThan(0.99)
})

test('classes are learned by multinomial logistic regression', async () => {
  const data = {
    columns: [{ name: 'x', type: 'number', range: [0, 3] }],
    label: { column: 'y', type: 'class', classes: ['low', 'middle', 'high'] },
  }
  const plan = planOf({ name: 'fed-avg', learningRate: 1, batchSize: 8 }, { rounds: 60, data })
  const sites = ['a', 'b'].map((name) => {
    const stream = new Stream(name)
    const values = Float64Array.from({ length: 60 }, () => 3 * stream.uniform())
    const label = Float32Array.from(values, Math.floor)
    const columns = [{ type: 'number' as const, name: 'x', values }]
    return { name, table: { schema: plan.data, rows: 60, columns, label }, trainer: plainTrainer }
  })
  const algorithm = create(plan)
  expect(algorithm.metrics(await federate(algorithm, sites)).accuracy).toBeGreaterThan(0.8)
})

const numbersOf = (table: ReturnType<typeof selectRows>): number[] =>
  table.columns.flatMap((column) => (column.type === 'number' ? [...column.values] : []))

async function step<State>(
  algorithm: Algorithm<State, (typeof threeSites)[number]>,
  state: State,
  sites: typeof threeSites,
  round: number,
): Promise<State> {
  const request = algorithm.request(state)
  if (request === undefined) throw new Error('a round was expected')
  const contributions: Lanes[] = []
  for (const site of sites) contributions.push(await algorithm.contribute(state, request, site, round))
  return algorithm.apply(state, request, sumLanes(request, contributions), sites.length)
}

/** The state after a first round in which every count was 1. */
function begin<State>(algorithm: Algorithm<State, (typeof threeSites)[number]>): State {
  const state = algorithm.init()
  const request = algorithm.request(state)
  if (request === undefined) throw new Error('a round was expected')
  const ones = request.lanes.map(({ name, length }) => [name, new Float64Array(length).fill(1)])
  return algorithm.apply(state, request, Object.fromEntries(ones), 3)
}

test('the interval of a share and of an area go with the metrics, none with a loss, and none where the sum has noise', async () => {
  const plan = planOf({ name: 'fed-avg' }, { rounds: 1 })
  const algorithm = create(plan)
  const state = await federate(algorithm, threeSites)
  const { accuracy, auc } = algorithm.metrics(state)
  const intervals = algorithm.intervals?.(state) ?? {}
  expect(intervals.accuracy[0]).toBeLessThan(accuracy)
  expect(intervals.accuracy[1]).toBeGreaterThan(accuracy)
  expect(intervals.auc[0]).toBeLessThanOrEqual(auc)
  expect(intervals).not.toHaveProperty('loss')
  const through = { request: (request: SumRequest) => request, contribution: (lanes: Lanes) => lanes }
  expect(bounded(algorithm, through).intervals?.(state)).toEqual(intervals)
  const claim = { mechanism: 'gaussian', unit: 'record', noiseMultiplier: 1, epsilon: 1, delta: 1e-6 } as const
  expect(bounded(algorithm, { ...through, claim }).intervals?.(state)).toEqual({})
})
