import fc from 'fast-check'
import { expect, test } from 'vitest'
import { moved } from '../../../learning/algorithms/averaging.ts'
import { sentCoordinates } from '../../../learning/algorithms/compression.ts'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { memoryOf, siteMemory } from '../../../learning/algorithms/site-memory.ts'
import { federate } from '../../support/federation.ts'
import { planOf, threeSites } from './plans.ts'

const all = (of: number) => ({ of, travelling: undefined })
const settings = { seed: 7, numRuns: 50 }

test('with feedback nothing is lost: what was sent and what is left add up to the updates', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 8, maxLength: 8 }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      (updates, keep) => {
        const sent = sentCoordinates(all(8), { keep, feedback: true }, 1)
        const memory = siteMemory()
        const arrived = new Float64Array(8)
        for (const [round, update] of updates.entries()) {
          const taken = sent.take(Float64Array.from(update), { memory: memoryOf(memory, round), round })
          expect(taken.length).toBe(Math.max(1, Math.round(keep * 8)))
          for (const [i, value] of sent.spread(taken, 1, { length: 8, round }).entries()) arrived[i] += value
        }
        const left = memory.recall('left', updates.length) ?? new Float32Array(8)
        for (let i = 0; i < 8; i++) {
          expect(arrived[i] + left[i]).toBe(updates.reduce((sum, update) => sum + update[i], 0))
        }
      },
    ),
    settings,
  )
})

test('without feedback the mean over many rounds is the update', () => {
  const sent = sentCoordinates(all(5), { keep: 0.4, feedback: false }, 1)
  const update = Float64Array.of(1, -2, 3, -4, 5)
  const memory = memoryOf(siteMemory(), 0)
  const mean = new Float64Array(5)
  const rounds = 4000
  for (let round = 0; round < rounds; round++) {
    const back = sent.spread(sent.take(update, { memory, round }), 1 / rounds, { length: 5, round })
    for (const [i, value] of back.entries()) mean[i] += value
  }
  for (const [i, value] of mean.entries()) expect(Math.abs(value / update[i] - 1)).toBeLessThan(0.1)
})

test('a round names the same coordinates at every site, and other rounds name others', () => {
  const [here, there] = [1, 1].map((seed) => sentCoordinates(all(100), { keep: 0.1, feedback: false }, seed))
  const memory = memoryOf(siteMemory(), 0)
  const update = Float64Array.from({ length: 100 }, (_, i) => i)
  const taken = (sent: typeof here, round: number) => [...sent.take(update, { memory, round })]
  expect(taken(here, 3)).toEqual(taken(there, 3))
  expect(taken(here, 3)).not.toEqual(taken(here, 4))
  expect(new Set(taken(here, 3)).size).toBe(10)
})

test('a quarter of the coordinates a round reaches nearly the loss of all of them', async () => {
  const loss = async (compression: object | undefined): Promise<number> => {
    const plan = planOf({ name: 'fed-avg', learningRate: 0.3, compression }, { rounds: 60 })
    const run = algorithms['fed-avg'].create(plan)
    return run.metrics(await federate(run, threeSites)).loss
  }
  expect((await loss({ keep: 0.25 })) - (await loss(undefined))).toBeLessThan(0.03)
})

test('moving the parameters at once is moving them by what was spread, bit for bit', () => {
  const numbers = fc.float64Array({
    minLength: 6,
    maxLength: 6,
    noNaN: true,
    noDefaultInfinity: true,
    min: -1e6,
    max: 1e6,
  })
  const choice = fc.record({ keep: fc.double({ min: 0.1, max: 1, noNaN: true }), feedback: fc.boolean() })
  const places = fc.constantFrom(undefined, Uint32Array.of(0, 2, 3, 5))
  fc.assert(
    fc.property(
      numbers,
      numbers,
      fc.option(choice, { nil: undefined }),
      places,
      (start, sum, compression, travelling) => {
        const sent = sentCoordinates({ of: 6, travelling }, compression, 1)
        const parameters = Float32Array.from(start)
        const [factor, rate, round] = [0.3, 0.7, 2]
        const values = sum.subarray(0, sent.count)
        const direction = sent.spread(values, factor, { length: 6, round })
        expect(sent.move(parameters, values, { factor, rate, round })).toEqual(moved(parameters, direction, rate))
      },
    ),
    settings,
  )
})
