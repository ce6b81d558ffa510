import fc from 'fast-check'
import { expect, test } from 'vitest'
import { algorithms } from '../../../learning/algorithms/index.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { splitParts, splitTable } from '../../../learning/algorithms/site-data.ts'
import { openBlocks, streamedSite, wantsTable } from '../../../learning/algorithms/streamed-site.ts'
import { csvFeed } from '../../../learning/data/csv.ts'
import { sourceOf } from '../../../learning/data/feed.ts'
import type { Blocks } from '../../../learning/data/streamed.ts'
import { joinTables, sliceTable, type Table } from '../../../learning/data/table.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import type { Lanes } from '../../../protocol/algorithm.ts'
import { federate } from '../../support/federation.ts'
import { schema } from '../data/tables.ts'
import { planOf, siteOf } from './plans.ts'

const trainer = compiledTrainer()

const inBlocks = (table: Table, size: number): Blocks => ({
  rows: table.rows,
  async *read() {
    for (let start = 0; start < table.rows; start += size) {
      yield sliceTable(table, start, Math.min(start + size, table.rows))
    }
  },
})

const asStream = ({ name, table }: Site, size: number): Site => streamedSite({ name, trainer }, inBlocks(table, size))
const inMemory = ({ name, table }: Site): Site => ({ name, table, trainer })

const sizes = fc.record({ rows: fc.integer({ min: 2, max: 60 }), block: fc.integer({ min: 1, max: 70 }) })
const splits = fc.constantFrom('rows', 'people')

test('however the blocks fall, they are split as the whole table is', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, splits, async ({ rows, block }, split) => {
      const plan = planOf({ name: 'fed-avg' }, { evaluation: { holdout: 0.3, split } })
      const site = siteOf('a', rows, 0)
      const parts = { training: [] as Table[], heldOut: [] as Table[] }
      for await (const { training, heldOut } of splitParts(asStream(site, block), plan)) {
        parts.training.push(training)
        parts.heldOut.push(heldOut)
      }
      const joined = ([first, ...others]: Table[]) => joinTables([first, ...others])
      const found = { training: joined(parts.training), heldOut: joined(parts.heldOut) }
      expect(found).toEqual(splitTable(site, plan))
    }),
    { numRuns: 60, seed: 11 },
  )
})

test('statistics and evaluation from blocks are the sums of the whole table', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, splits, async ({ rows, block }, split) => {
      const plan = planOf({ name: 'fed-avg' }, { rounds: 1, evaluation: { holdout: 0.3, split } })
      const site = siteOf('a', rows, 0)
      const [whole, streamed] = [await lanesOf(plan, inMemory(site)), await lanesOf(plan, asStream(site, block))]
      expectSame(streamed.statistics, whole.statistics, 9)
      const evaluation = Object.keys(whole.round).filter((name) => name.startsWith('evaluation.'))
      expect(evaluation.length).toBe(whole.statistics.heldOut[0] > 0 ? 6 : 0)
      for (const name of evaluation) expectSame({ [name]: streamed.round[name] }, { [name]: whole.round[name] }, 5)
    }),
    { numRuns: 40, seed: 12 },
  )
})

test('described statistics are the same from blocks', async () => {
  const plan = planOf({ name: 'statistics' }, { model: undefined })
  const algorithm = algorithms.statistics.create(plan)
  const site = siteOf('a', 50, 0)
  const results = [inMemory(site), asStream(site, 7)].map(async (each) =>
    algorithm.metrics(await federate(algorithm, [each])),
  )
  const [whole, streamed] = await Promise.all(results)
  expect(streamed).toEqual(whole)
})

test('one step on all rows gives the parameters that the table gives', async () => {
  const plan = planOf({ name: 'fed-avg', batchSize: 1000, learningRate: 0.5 }, { rounds: 1 })
  const site = siteOf('a', 90, 0)
  const [whole, streamed] = [await lanesOf(plan, inMemory(site)), await lanesOf(plan, asStream(site, 13))]
  expectSame({ update: streamed.round.update }, { update: whole.round.update }, 5)
})

test('training from blocks is the same from the same seed, and learns what a table teaches', async () => {
  const plan = planOf({ name: 'fed-avg', batchSize: 8, learningRate: 0.2, localEpochs: 2 }, { rounds: 4 })
  const sites = [siteOf('north', 300, -1), siteOf('south', 150, 1)]
  const train = async (of: (site: Site) => Site) => {
    const algorithm = algorithms['fed-avg'].create(plan)
    const state = await federate(algorithm, sites.map(of))
    return { parameters: algorithm.encode(state), metrics: algorithm.metrics(state) }
  }
  const first = await train((site) => asStream(site, 16))
  const again = await train((site) => asStream(site, 16))
  expect(again.parameters).toEqual(first.parameters)
  const whole = await train(inMemory)
  expect(first.metrics.examples).toBe(whole.metrics.examples)
  expect(first.metrics.auc).toBeGreaterThan(0.75)
  expect(Math.abs(first.metrics.auc - whole.metrics.auc)).toBeLessThan(0.03)
})

const csvOf = (lines: () => readonly string[]) =>
  sourceOf('records.csv', (request, begin) => {
    async function* chunks() {
      yield new TextEncoder().encode(['a,k,b,ill', ...lines()].map((line) => `${line}\n`).join(''))
    }
    const columns = schema.columns.filter(({ name }) => name !== 'skip')
    return csvFeed({ name: 'records.csv', chunks: chunks() })({ ...request, schema: { ...schema, columns } }, begin)
  })
const request = { schema: { ...schema, columns: schema.columns.filter(({ name }) => name !== 'skip') } }
const plan = planOf({ name: 'fed-avg' })

test('rows that come or go during a run end it instead of shifting the split', async () => {
  const lines = ['1,x,10,1', '2,y,20,0', '3,z,30,1']
  const blocks = await openBlocks(
    csvOf(() => lines),
    request,
    plan,
  )
  const read = async () => {
    let rows = 0
    for await (const table of blocks.read()) rows += table.rows
    return rows
  }
  expect(blocks.rows).toBe(3)
  expect(await read()).toBe(3)
  lines.push('4,x,10,0')
  await expect(read()).rejects.toMatchObject({ code: 'ERR_DATA_CHANGED' })
  lines.length = 2
  await expect(read()).rejects.toMatchObject({ code: 'ERR_DATA_CHANGED' })
})

test('a plan that needs all rows at once is refused before anything is read', async () => {
  const untouched = csvOf(() => {
    throw new Error('read')
  })
  const needs = [
    planOf({ name: 'fed-sgd' }),
    planOf({ name: 'fed-avg', earlyStopping: { patience: 2 } }),
    { ...plan, privacy: { name: 'dp-sgd' } },
  ]
  for (const each of needs) {
    expect(wantsTable(each)).toBeDefined()
    await expect(openBlocks(untouched, request, each)).rejects.toMatchObject({ code: 'ERR_DATA_STREAMED' })
  }
  expect(wantsTable(plan)).toBeUndefined()
  expect(() => asStream(siteOf('a', 5, 0), 2).table).toThrow(expect.objectContaining({ code: 'ERR_DATA_STREAMED' }))
})

/** What a site adds in the first round, and in the one after it. */
async function lanesOf(plan: ReturnType<typeof planOf>, site: Site): Promise<{ statistics: Lanes; round: Lanes }> {
  const algorithm = algorithms['fed-avg'].create(plan)
  const start = algorithm.init()
  const first = algorithm.request(start)
  if (first === undefined) throw new Error('a round was expected')
  const statistics = await algorithm.contribute(start, first, site, 1)
  const begun = algorithm.apply(start, first, statistics, 1)
  const second = algorithm.request(begun)
  if (second === undefined) throw new Error('a round was expected')
  return { statistics, round: await algorithm.contribute(begun, second, site, 2) }
}

function expectSame(found: Lanes, expected: Lanes, digits: number): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort())
  for (const [name, values] of Object.entries(expected)) {
    expect(found[name].length).toBe(values.length)
    for (const [i, value] of values.entries()) expect(found[name][i], `${name} ${i}`).toBeCloseTo(value, digits)
  }
}
