/** Mechanisms with noise: how much they add, what they charge for it, and what they refuse. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Algorithm, Lanes, SumRequest } from '../../../protocol/algorithm.ts'
import type { RingVector } from '../../../protocol/crypto/provider.ts'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import { honestShares } from '../../../protocol/privacy/cohort.ts'
import { mechanisms } from '../../../protocol/privacy/index.ts'
import type { Cohort, Mechanism } from '../../../protocol/privacy/mechanism.ts'
import { thresholdsOf } from '../../../protocol/secagg/thresholds.ts'
import { Stream } from '../../../protocol/stream.ts'
import { decode, encode, scaleOf } from '../../../protocol/vector/encoding.ts'
import { zeroVector } from '../../../protocol/vector/packing.ts'
import { seededRandom, variance } from '../../support/noise.ts'

const length = 20_000

const requestOf = (lanes: SumRequest['lanes'], bits: SumRequest['bits'] = 32): SumRequest => ({
  ...{ purpose: 'a round', bits, rotation: '' },
  lanes,
})

const gradient = requestOf([{ name: 'gradient', length, bound: 500, kind: 'real', perRecord: 1, l2: 500 }])

/** An algorithm that asks the same in every round. */
const asking = (request: SumRequest): Algorithm<unknown, Lanes> => ({
  init: () => 0,
  request: () => request,
  contribute: async (_state, _request, site) => site,
  apply: (_state, _request, sum) => sum,
  encode: () => new Uint8Array(1),
  decode: () => 0,
  metrics: () => ({}),
  result: () => ({ done: true }),
})

const cohortOf = (sites: number, releases = 10): Cohort => ({
  ...{ sites, releases },
  honest: honestShares({ sites, thresholds: thresholdsOf(sites), mode: 'strict' }),
})

const options = { unit: 'record', population: 500, clip: 1, delta: 1e-5 }

const made = (name: string, more: Record<string, unknown>, cohort = cohortOf(4)): Mechanism =>
  mechanisms[name].create({ name, ...options, ...more }, cohort)

function protectedRequest(mechanism: Mechanism, request = gradient): SumRequest {
  const algorithm = mechanism.protect(asking(request))
  const asked = algorithm.request(algorithm.init())
  if (asked === undefined) throw new Error('no request')
  return asked
}

/** The noise alone, summed over the sites that stay, in units of 1.0. */
function noiseOf(mechanism: Mechanism, asked: SumRequest, sites: number, survivors: number, seed: string): Lanes {
  const random = seededRandom(seed)
  const sum: RingVector = zeroVector(asked)
  for (let site = 0; site < survivors; site++) mechanism.noiseShare(sum, asked, random)
  mechanism.noiseSum(sum, asked, random)
  return decode(sum, asked, sites)
}

/** Five standard errors of a variance of `length` normals. */
const tolerance = 5 * Math.sqrt(2 / length)

describe.each(['gaussian', 'discrete-gaussian'])('%s', (name) => {
  test('adds noise of deviation, not variance, noise multiplier times what one can move', () => {
    const cohort = { ...cohortOf(4), honest: 4 }
    for (const noiseMultiplier of [0.5, 3, 40]) {
      const mechanism = made(name, { noiseMultiplier }, cohort)
      const { gradient: noise } = noiseOf(mechanism, protectedRequest(mechanism), 4, 4, `${name}/${noiseMultiplier}`)
      expect(Math.abs(variance(noise) / noiseMultiplier ** 2 - 1)).toBeLessThan(tolerance + 0.01)
    }
  })

  test('every coordinate has its noise once: two halves of a vector are as noisy as one, and not tied', () => {
    const mechanism = made(name, { noiseMultiplier: 2 }, { ...cohortOf(4), honest: 4 })
    const { gradient: noise } = noiseOf(mechanism, protectedRequest(mechanism), 4, 4, `${name} once`)
    const halves = [noise.slice(0, length / 2), noise.slice(length / 2)]
    for (const half of halves) expect(Math.abs(variance(half) / 4 - 1)).toBeLessThan(2 * tolerance)
    let tied = 0
    for (let i = 0; i < length / 2; i++) tied += halves[0][i] * halves[1][i]
    expect(Math.abs(tied / 4) / Math.sqrt(length / 2)).toBeLessThan(5)
  })

  test('charges for the noise that it added, never for more', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 60, noNaN: true }),
        fc.integer({ min: 3, max: 30 }),
        (noiseMultiplier, sites) => {
          const mechanism = made(name, { noiseMultiplier }, cohortOf(sites))
          const charged = rdpEpsilon(mechanism.charge(protectedRequest(mechanism)), 1e-5)
          const promised = rdpEpsilon(
            [{ type: 'gaussian', noiseMultiplier, sampling: { type: 'all' }, count: 1 }],
            1e-5,
          )
          expect(charged).toBeLessThanOrEqual(promised * (1 + 1e-9))
          expect(charged).toBeGreaterThan(promised * 0.99)
        },
      ),
      { numRuns: 12, seed: 8 },
    )
  })

  test('an epsilon for the whole plan is kept by the charges of all its rounds, with little to spare', () => {
    for (const [epsilon, rate] of [
      [1, 1],
      [4, 0.2],
    ]) {
      const mechanism = made(name, { epsilon, rate }, cohortOf(4, 25))
      const asked = protectedRequest(mechanism, { ...gradient, rate })
      const events = Array.from({ length: 25 }, () => mechanism.charge(asked)).flat()
      expect(rdpEpsilon(events, 1e-5)).toBeLessThanOrEqual(epsilon)
      expect(rdpEpsilon(events, 1e-5)).toBeGreaterThan(epsilon * 0.98)
      expect(rdpEpsilon([...events, ...mechanism.charge(asked)], 1e-5)).toBeGreaterThan(epsilon)
    }
  })

  test('several lanes share one multiplier: together they cost what one does', () => {
    const lanes = [
      { name: 'rows', length: 1, bound: 1e6, kind: 'integer', perRecord: 1 },
      { name: 'sum', length: 5, bound: 1e6, kind: 'real', perRecord: Math.sqrt(5) },
      { name: 'public', length: 2, bound: 1, kind: 'real', perRecord: 0 },
    ] as const
    const mechanism = made(name, { noiseMultiplier: 3 }, { ...cohortOf(4), honest: 4 })
    const asked = protectedRequest(mechanism, requestOf(lanes, 64))
    const noises = Array.from({ length: 400 }, (_, i) => noiseOf(mechanism, asked, 4, 4, `${name} lanes ${i}`))
    const deviation = (lane: string): number => Math.sqrt(variance(noises.flatMap((noise) => Array.from(noise[lane]))))
    expect(deviation('rows')).toBeCloseTo(3 * Math.SQRT2, 0)
    expect(deviation('sum') / deviation('rows')).toBeCloseTo(Math.sqrt(5), 0)
    expect(deviation('public')).toBe(0)
    const one = rdpEpsilon([{ type: 'gaussian', noiseMultiplier: 3, sampling: { type: 'all' }, count: 1 }], 1e-5)
    expect(rdpEpsilon(mechanism.charge(asked), 1e-5)).toBeLessThanOrEqual(one)
  })

  test('contributions at their bound with the noise of all sites stay in the ring', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 64 }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.constantFrom(24 as const, 32 as const, 64 as const),
        (sites, noiseMultiplier, bound, bits) => {
          const ring = { length: 50, bound, kind: 'real', perRecord: Math.min(1, bound), name: 'gradient' } as const
          const lane = bits === 24 ? { ...ring, bits } : ring
          const mechanism = made(name, { noiseMultiplier }, cohortOf(sites))
          const asked = protectedRequest(mechanism, requestOf([lane], bits === 64 ? 64 : 32))
          const scale = scaleOf(asked.lanes[0], asked, sites)
          const { gradient: noise } = noiseOf(mechanism, asked, sites, sites, `ring ${sites}`)
          for (const each of noise) {
            expect(sites * (scale * bound + 1) + Math.abs(each) * scale).toBeLessThan(2 ** (bits - 1))
          }
        },
      ),
      { numRuns: 25, seed: 9 },
    )
  })

  test('the result says what protects it, and under which unit', () => {
    const mechanism = made(name, { epsilon: 2 })
    const algorithm = mechanism.protect(asking(gradient))
    expect(algorithm.result(0)).toMatchObject({
      done: true,
      privacy: { mechanism: name, unit: 'record', delta: 1e-5, epsilon: expect.closeTo(2, 4) },
    })
    expect(mechanism.unit).toBe('record')
  })
})

describe('distributed noise', () => {
  test('is enough without the shares of drop-outs and colluding sites, in every cohort the secure sum reveals', () => {
    for (const sites of [3, 4, 5, 7, 10]) {
      const { minimum, colluding } = thresholdsOf(sites)
      const mechanism = made('discrete-gaussian', { noiseMultiplier: 5 }, cohortOf(sites))
      const asked = protectedRequest(mechanism)
      for (let survivors = minimum; survivors <= sites; survivors++) {
        // What an observer does not know: not the shares of the colluding, nor its own where it is itself a site.
        const unknown = survivors - Math.max(1, colluding)
        const { gradient: noise } = noiseOf(mechanism, asked, sites, unknown, `drop ${sites} ${survivors}`)
        expect(variance(noise)).toBeGreaterThan(25 * (1 - tolerance))
      }
    }
  })

  test('is the square root of the honest shares less at each site than it would have to be alone', () => {
    const mechanism = made('discrete-gaussian', { noiseMultiplier: 5 }, { ...cohortOf(20), honest: 16 })
    const { gradient: noise } = noiseOf(mechanism, protectedRequest(mechanism), 20, 1, 'one share')
    expect(Math.sqrt(variance(noise))).toBeCloseTo(5 / 4, 1)
  })
})

test('central noise is added once, by the coordinator, and by no site', () => {
  const mechanism = made('gaussian', { noiseMultiplier: 5 })
  const asked = protectedRequest(mechanism)
  const sum = zeroVector(asked)
  mechanism.noiseShare(sum, asked, seededRandom('site'))
  expect(variance(decode(sum, asked, 4).gradient)).toBe(0)
  mechanism.noiseSum(sum, asked, seededRandom('coordinator'))
  expect(variance(decode(sum, asked, 4).gradient)).toBeGreaterThan(0)
})

test('encoding with shared coins moves a lane by at most the square root of its length more than its values moved', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -300, max: 300, noNaN: true }), { minLength: 20, maxLength: 20 }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 20, maxLength: 20 }),
      (others, person) => {
        const mechanism = made('discrete-gaussian', { noiseMultiplier: 5 })
        const lane = { name: 'gradient', length: 20, bound: 500, kind: 'real', perRecord: 1 } as const
        const asked = protectedRequest(mechanism, requestOf([lane]))
        const norm = Math.max(1, Math.hypot(...person))
        const coded = (values: number[]) =>
          encode({ gradient: Float64Array.from(values) }, asked, { sites: 4, coins: new Stream('coins') })
        const [a, b] = [coded(others), coded(others.map((value, i) => value + person[i] / norm))]
        const moved = Math.hypot(...person.map((_, i) => Number(a[i]) - Number(b[i])))
        expect(moved).toBeLessThanOrEqual(scaleOf(asked.lanes[0], asked, 4) + Math.sqrt(20))
      },
    ),
    { numRuns: 50, seed: 10 },
  )
})

describe('what promises nothing, or contradicts itself, is refused with its place in the plan', () => {
  const cases: [string, string, Record<string, unknown>, string][] = [
    ['neither epsilon nor noise', 'gaussian', {}, 'privacy.epsilon'],
    ['both epsilon and noise', 'discrete-gaussian', { epsilon: 1, noiseMultiplier: 1 }, 'privacy.epsilon'],
    ['delta of one in the population', 'gaussian', { epsilon: 1, delta: 1 / 500 }, 'privacy.delta'],
    ['delta of one in the population, DP-SGD', 'dp-sgd', { epsilon: 1, rate: 0.1, delta: 0.01 }, 'privacy.delta'],
    ['sites that are sampled', 'gaussian', { epsilon: 1, unit: 'site', rate: 0.5, population: 4 }, 'privacy.rate'],
    ['sites without a norm', 'gaussian', { epsilon: 1, unit: 'site', clip: undefined, population: 4 }, 'privacy.clip'],
  ]
  test.each(cases)('%s', (_, name, more, where) => {
    expect(() => made(name, more)).toThrow(where)
  })

  test.each([
    ['negative noise', { noiseMultiplier: -1 }],
    ['no noise', { noiseMultiplier: 0 }],
    ['delta 0', { epsilon: 1, delta: 0 }],
    ['no delta', { epsilon: 1, delta: undefined }],
    ['a rate above 1', { epsilon: 1, rate: 1.5 }],
    ['a rate of 0', { epsilon: 1, rate: 0 }],
    ['no unit', { epsilon: 1, unit: undefined }],
    ['no population', { epsilon: 1, population: undefined }],
  ])('%s', (_, more) => {
    for (const name of ['gaussian', 'discrete-gaussian', 'dp-sgd']) {
      const given = Object.fromEntries(
        Object.entries({ ...options, ...more }).filter(([, value]) => value !== undefined),
      )
      expect(mechanisms[name].options.safeParse(given).success).toBe(false)
    }
  })

  test('an algorithm that does not bound what one adds, or does not draw as the plan says', () => {
    const unbounded = requestOf([{ name: 'weight', length: 1, bound: 1, kind: 'real' }])
    expect(() => protectedRequest(made('gaussian', { epsilon: 1 }), unbounded)).toThrow(/privacy.unit: .*"weight"/)
    expect(() => protectedRequest(made('gaussian', { epsilon: 1, rate: 0.5 }))).toThrow('privacy.rate')
    expect(() => protectedRequest(made('dp-sgd', { epsilon: 1, rate: 0.5 }))).toThrow('privacy.name')
  })

  test('a ring of few bits', () => {
    const coarse = requestOf([{ ...gradient.lanes[0], bits: 20 }])
    expect(() => protectedRequest(made('gaussian', { epsilon: 1 }), coarse)).toThrow('encoding.bits')
  })
})
