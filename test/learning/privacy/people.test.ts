import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Site } from '../../../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../../../learning/computation.ts'
import { splitPeople } from '../../../learning/data/split.ts'
import { joinTables, type Table } from '../../../learning/data/table.ts'
import type { Examples } from '../../../learning/engine/trainer.ts'
import { clippedGradientSum } from '../../../learning/privacy/gradients.ts'
import { draw, peopleOf } from '../../../learning/privacy/people.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { Stream } from '../../../protocol/stream.ts'
import { seededRandom } from '../../support/noise.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { siteOf } from '../algorithms/plans.ts'
import { anyRecords, schema, tableOf } from '../data/tables.ts'

const { table } = siteOf('somewhere', 60, 0)

/** Every third row is of the same patient as the one before it. */
const withPatients = (of: Table): Table => ({
  ...of,
  patients: Array.from({ length: of.rows }, (_, row) => `patient ${row - (row % 3 === 2 ? 1 : 0)}`),
})

describe('people', () => {
  test('are rows, or all rows of a patient', () => {
    expect(peopleOf(table, 'record')).toHaveLength(60)
    const patients = peopleOf(withPatients(table), 'patient')
    expect(patients).toHaveLength(40)
    expect(patients.flatMap((rows) => [...rows]).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
    expect(patients[1]).toEqual(Uint32Array.of(1, 2))
  })

  test('are drawn independently at the rate, as Poisson sampling assumes', () => {
    const people = peopleOf({ rows: 400 }, 'record')
    const random = seededRandom('draw')
    const counts = new Float64Array(400)
    const sizes: number[] = []
    for (let i = 0; i < 500; i++) {
      const drawn = draw(people, 0.2, random)
      sizes.push(drawn.length)
      for (const [row] of drawn) counts[row]++
    }
    const mean = sizes.reduce((sum, size) => sum + size, 0) / 500
    // Sizes vary like a binomial, which a fixed batch would not: 400 x 0.2 x 0.8 = 64.
    expect(Math.abs(mean - 80)).toBeLessThan((5 * 8) / Math.sqrt(500))
    const spread = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / 499
    expect(Math.abs(spread / 64 - 1)).toBeLessThan(5 * Math.sqrt(2 / 500))
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(5.5 * Math.sqrt(500 * 0.2 * 0.8))
    expect(draw(people, 1, random)).toBe(people)
  })

  test('are held out by their own values: one more or less changes nothing for the others', () => {
    fc.assert(
      fc.property(anyRecords(2, 15), fc.nat(14), (records, at) => {
        const site = { seed: 7, name: 'north' }
        const out = at % records.length
        const sideOf = (kept: typeof records): Map<string, boolean> => {
          const { heldOut } = splitPeople(tableOf(kept), 0.3, site)
          return new Map(kept.map((record, row) => [record.join(), heldOut.includes(row)]))
        }
        const all = sideOf(records)
        for (const [record, held] of sideOf(records.filter((_, i) => i !== out))) expect(all.get(record)).toBe(held)
      }),
      { numRuns: 30, seed: 3 },
    )
    const patients = withPatients(table)
    const { training, heldOut } = splitPeople(patients, 0.3, { seed: 7, name: 'north' })
    expect(training.length + heldOut.length).toBe(60)
    expect(heldOut.length).toBeGreaterThan(5)
    for (const row of heldOut) if (row % 3 === 1 && row + 1 < 60) expect(heldOut).toContain(row + 1)
  })
})

const model = { name: 'logistic' }

async function gradients(examples: Examples, people: readonly Uint32Array[], clip: number): Promise<Float64Array> {
  const trainer = await plainTrainer({
    ...{
      input: [examples.features],
      layers: [{ type: 'dense', units: 1, activation: 'linear' }],
      loss: 'binary-cross-entropy',
    },
  })
  const parameters = Float32Array.from({ length: examples.features + 1 }, (_, i) => 0.3 * (i % 3) - 0.2)
  return clippedGradientSum({ trainer, parameters, examples, clip, loss: {} }, people, new Stream('gradients'))
}

describe('the sum of clipped gradients', () => {
  const features = 6
  const rows = 12
  const stream = new Stream('rows')
  const examples: Examples = {
    ...{ rows, features },
    x: Float32Array.from({ length: rows * features }, () => 3 * stream.normal()),
    y: Float32Array.from({ length: rows }, () => stream.below(2)),
  }
  const groups = [[0], [1, 2], [3, 4, 5], [6], [7, 8, 9, 10, 11]].map((group) => Uint32Array.from(group))

  test('moves by at most the clipping norm when a person comes, exactly, however many rows the person has', async () => {
    for (const clip of [0.1, 0.25, 1, 3]) {
      const whole = await gradients(examples, groups, clip)
      for (const [i, group] of groups.entries()) {
        const without = await gradients(
          examples,
          groups.filter((other) => other !== group),
          clip,
        )
        const moved = Math.hypot(...whole.map((value, k) => value - without[k]))
        expect(moved).toBeLessThanOrEqual(clip)
        expect(moved).toBeGreaterThan(0)
        // The order of the others does not matter: the sum is exact.
        const turned = await gradients(examples, [...groups.slice(i), ...groups.slice(0, i)], clip)
        expect(turned).toEqual(whole)
      }
    }
  })

  test('is the plain sum of gradients where nobody reaches the norm', async () => {
    const single = Array.from({ length: rows }, (_, row) => Uint32Array.of(row))
    const sum = await gradients(examples, single, 1000)
    const mean = await gradients(examples, [Uint32Array.from({ length: rows }, (_, row) => row)], 1000)
    for (const [k, value] of sum.entries()) expect(value / rows).toBeCloseTo(mean[k], 5)
  })

  test('of nobody is zero', async () => {
    expect(await gradients(examples, [], 1)).toEqual(new Float64Array(features + 1))
  })
})

test('two tables that differ in one record give sums that differ by at most the norm, through the plan', async () => {
  const privacy = { name: 'discrete-gaussian', unit: 'record', population: 100, clip: 0.5, epsilon: 2, delta: 1e-4 }
  const plan = parsePlan(
    { concordat: 1, name: 'one-more', algorithm: { name: 'fed-sgd' }, model, data: schema, rounds: 3, privacy },
    planMenus,
  )
  const { algorithm } = computationOf(plan, 3)
  const state = algorithm.init()
  const request = algorithm.request(state)
  if (request === undefined) throw new Error('no request')
  await fc.assert(
    fc.asyncProperty(anyRecords(1, 10), anyRecords(1, 1), async (others, one) => {
      const contribution = async (of: Table): Promise<Float64Array> => {
        const site: Site = { name: 'north', table: of, trainer: plainTrainer, random: seededRandom('site') }
        return Float64Array.from((await algorithm.contribute(state, request, site, 1)).gradient)
      }
      const [without, whole] = [
        await contribution(tableOf(others)),
        await contribution(joinTables([tableOf(others), tableOf(one)])),
      ]
      expect(Math.hypot(...whole.map((value, i) => value - without[i]))).toBeLessThanOrEqual(0.5)
    }),
    { numRuns: 25, seed: 4 },
  )
})
