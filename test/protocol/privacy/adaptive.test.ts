/** Adaptive clipping: the norm finds the quantile, and votes and updates together cost what the plan's noise does. */

import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Algorithm, Lanes, SumRequest } from '../../../protocol/algorithm.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { previewSchema } from '../../../protocol/participant/preview.ts'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import {
  type Adaptation,
  adaptationOf,
  adaptivelyClipped,
  splitNoise,
} from '../../../protocol/privacy/adaptive-clip.ts'
import { euclideanNorm } from '../../../protocol/privacy/clip.ts'
import { mechanisms } from '../../../protocol/privacy/index.ts'
import type { Cohort, Mechanism } from '../../../protocol/privacy/mechanism.ts'
import { Stream } from '../../../protocol/stream.ts'
import { decode, encode } from '../../../protocol/vector/encoding.ts'
import { zeroVector } from '../../../protocol/vector/packing.ts'
import { seededRandom } from '../../support/noise.ts'

const length = 4

const request: SumRequest = {
  ...{ purpose: 'a round', bits: 32, rotation: '' },
  lanes: [{ name: 'update', length, bound: 100, kind: 'real', l2: 100 }],
}

/** Asks the same in every round; a site is its update, and the state is the last sum's first number. */
const asking = (asked = request): Algorithm<unknown, Lanes> => ({
  init: () => 0,
  request: () => asked,
  preview: () => asked,
  contribute: async (_state, _request, site) => site,
  apply: (_state, _request, sum) => sum.update[0],
  encode: (state) => Uint8Array.of(Number(state)),
  decode: (bytes) => bytes[0],
  metrics: () => ({ round: 1 }),
  result: () => ({ done: true }),
})

const n = 60
const cohort: Cohort = { sites: n, honest: n - 10, releases: 20 }
const options = { unit: 'site', population: n, clip: 0.5, delta: 1e-5, noiseMultiplier: 1, adaptive: {} }
const names = ['gaussian', 'discrete-gaussian']

const made = (name: string, more: Record<string, unknown> = {}): Mechanism =>
  mechanisms[name].create({ name, ...options, ...more }, cohort)

/** Sites whose updates have the norms 0.1, 0.2, ... */
const sites = Array.from({ length: n }, (_, i): Lanes => ({ update: Float64Array.of(0, (i + 1) / 10, 0, 0) }))

function requestOf(algorithm: Algorithm<unknown, Lanes>, state: unknown): SumRequest {
  const asked = algorithm.request(state)
  if (asked === undefined) throw new Error('no request')
  return asked
}

const adaptation: Adaptation = {
  ...{ initial: 0.5, quantile: 0.5, rate: 0.2, population: n },
  factors: { count: 10, updates: 1.005 },
}

describe('the split of the noise', () => {
  test('costs together what the multiplier alone does', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.double({ min: 0.51, max: 1e6, noNaN: true }),
        (z, over) => {
          const { count, updates } = splitNoise(z, over * z)
          expect((count * z) ** -2 + (updates * z) ** -2).toBeCloseTo(z ** -2, 9)
          // A vote moves the count by a half.
          expect((count * z) / 2).toBeCloseTo(over * z, 6)
        },
      ),
      { numRuns: 100, seed: 1 },
    )
  })

  test('is the published one', () => {
    // Worked by hand from the formula: 1 / sqrt(1 / 1.21 - 1 / 400).
    expect(1.1 * splitNoise(1.1, 10).updates).toBeCloseTo(1.1016675341732869, 12)
  })

  const path = '../shared/reference/dp_reference.json'
  test.runIf(existsSync(path))('is that of the reference', () => {
    const row = z.object({ z_effective: z.number(), sigma_b: z.number(), z_delta: z.number() })
    const { adaptive_clipping_noise_split: rows } = z
      .object({ adaptive_clipping_noise_split: z.array(row).min(1) })
      .parse(JSON.parse(readFileSync(path, 'utf8')))
    for (const { z_effective, sigma_b, z_delta } of rows) {
      expect(Math.abs((z_effective * splitNoise(z_effective, sigma_b).updates) / z_delta - 1)).toBeLessThan(1e-12)
    }
  })

  test('by default raises the noise of the updates by 3.3 % at most, whatever the population', () => {
    for (const population of [1, 5, 100, 1e6]) {
      for (const z of [0.3, 1, 20]) {
        const given = { quantile: 0.5, rate: 0.2 }
        const { factors } = adaptationOf(given, { unit: 'site', clip: 1, population }, z)
        expect(factors.updates).toBeGreaterThanOrEqual(1)
        expect(factors.updates).toBeLessThan(1.033)
      }
    }
  })
})

/** The norms of `rounds` rounds of all sites, with the mechanism's noise on the encoded sum. */
async function norms(mechanism: Mechanism, rounds: number, seed: string): Promise<number[]> {
  const algorithm = mechanism.protect(asking())
  const random = seededRandom(seed)
  const seen: number[] = []
  let state = algorithm.init()
  for (let round = 0; round < rounds; round++) {
    const asked = requestOf(algorithm, state)
    const sum = zeroVector(asked)
    for (const site of sites) {
      const coins = new Stream(`${seed}/${round}`)
      const vector = encode(await algorithm.contribute(state, asked, site, round), asked, { sites: n, coins })
      mechanism.noiseShare(vector, asked, random)
      for (let i = 0; i < sum.length; i++) sum[i] = Number(sum[i]) + Number(vector[i])
    }
    mechanism.noiseSum(sum, asked, random)
    state = algorithm.apply(state, asked, decode(sum, asked, n), n)
    seen.push(algorithm.metrics(state).clip)
  }
  return seen
}

describe('the norm', () => {
  test.each([0.2, 0.5, 0.9])('without noise settles where a share of %d is within', async (quantile) => {
    const algorithm = adaptivelyClipped(asking(), { ...adaptation, quantile })
    let state = algorithm.init()
    for (let round = 0; round < 200; round++) {
      const asked = requestOf(algorithm, state)
      const said = await Promise.all(sites.map((site) => algorithm.contribute(state, asked, site, round)))
      const withinClip = said.reduce((sum, lanes) => sum + lanes.withinClip[0], 0)
      state = algorithm.apply(
        state,
        asked,
        { update: new Float64Array(length), withinClip: Float64Array.of(withinClip) },
        n,
      )
    }
    // Norms are a tenth apart, so the quantile is known to a tenth.
    expect(Math.abs(algorithm.metrics(state).clip - (quantile * n) / 10)).toBeLessThan(0.15)
  })

  test.each([
    ['gaussian', 0.5],
    ['gaussian', 40],
    ['discrete-gaussian', 0.5],
  ])('under %s settles near it, from %d on', async (name, clip) => {
    const settled = (await norms(made(name, { clip }), 60, `${name}/${clip}`)).slice(40)
    const mean = settled.reduce((sum, norm) => sum + norm, 0) / settled.length
    expect(Math.abs(mean / 3 - 1)).toBeLessThan(0.1)
  })

  test('without `adaptive` stays, and nobody votes', () => {
    for (const name of names) {
      const algorithm = made(name, { adaptive: undefined }).protect(asking())
      expect(requestOf(algorithm, algorithm.init()).lanes.map(({ name, l2 }) => [name, l2])).toEqual([['update', 0.5]])
    }
  })

  test('moves by a factor of e at most a round, and never out of its range, whatever the noise on the count', () => {
    const algorithm = adaptivelyClipped(asking(), adaptation)
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { maxLength: 40 }), (counts) => {
        let state = algorithm.init()
        for (const count of counts) {
          const before = algorithm.metrics(state).clip
          const sum = { update: new Float64Array(length), withinClip: Float64Array.of(count) }
          state = algorithm.apply(state, request, sum, n)
          const { clip } = algorithm.metrics(state)
          expect(Math.abs(Math.log(clip / before))).toBeLessThanOrEqual(1 + 1e-12)
          expect(Math.abs(Math.log10(clip / 0.5))).toBeLessThanOrEqual(3 + 1e-12)
          expect(algorithm.decode(algorithm.encode(state))).toMatchObject({ clip })
        }
      }),
      { numRuns: 30, seed: 2 },
    )
  })

  test('is part of the state that all hash; what is no norm is refused', () => {
    const algorithm = adaptivelyClipped(asking(), adaptation)
    const asked = requestOf(algorithm, algorithm.init())
    const sumOf = (count: number) => ({ update: new Float64Array(length), withinClip: Float64Array.of(count) })
    const [low, high] = [n / 2, -n / 2].map((count) => algorithm.apply(algorithm.init(), asked, sumOf(count), n))
    expect(algorithm.encode(low)).not.toEqual(algorithm.encode(high))
    const bytes = algorithm.encode(low)
    for (const broken of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY, 501, 0.0004]) {
      const other = bytes.slice()
      new DataView(other.buffer).setFloat64(0, broken)
      expect(() => algorithm.decode(other)).toThrow(/clip: expected a norm/)
    }
    expect(() => algorithm.decode(bytes.slice(0, 7))).toThrow(ProtocolError)
  })
})

describe.each(names)('%s with votes', (name) => {
  test('charges what the multiplier alone costs, however many lanes of updates there are', () => {
    const twoLanes = { ...request, lanes: ['a', 'b'].map((lane) => ({ ...request.lanes[0], name: lane })) }
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 20, noNaN: true }),
        fc.double({ min: 0.6, max: 30, noNaN: true }),
        fc.constantFrom(request, twoLanes),
        (noiseMultiplier, over, asked) => {
          const mechanism = made(name, { noiseMultiplier, adaptive: { countNoise: over * noiseMultiplier } })
          const algorithm = mechanism.protect(asking(asked))
          const charged = rdpEpsilon(mechanism.charge(requestOf(algorithm, algorithm.init())), 1e-5)
          const all = { type: 'all' } as const
          const promised = rdpEpsilon([{ type: 'gaussian', noiseMultiplier, sampling: all, count: 1 }], 1e-5)
          expect(charged).toBeLessThanOrEqual(promised * (1 + 1e-9))
          expect(charged).toBeGreaterThan(promised * 0.99)
        },
      ),
      { numRuns: 15, seed: 3 },
    )
  })

  test('asks within the norm of the state, in a preview within the first', () => {
    const algorithm = made(name).protect(asking())
    const asked = requestOf(algorithm, algorithm.init())
    expect(algorithm.preview?.()).toEqual(asked)
    const next = algorithm.apply(
      algorithm.init(),
      asked,
      { update: new Float64Array(4), withinClip: Float64Array.of(-30) },
      n,
    )
    expect(requestOf(algorithm, next).lanes[0].l2).toBeCloseTo(0.5 * Math.exp(0.1), 12)
    expect(algorithm.metrics(next)).toMatchObject({ round: 1 })
    const departures = [{ purpose: asked.purpose, lanes: asked.lanes, bytes: 1 }]
    expect(previewSchema.shape.departures.parse(JSON.parse(JSON.stringify(departures)))).toEqual(departures)
  })
})

test('one site moves each lane by no more than what is charged for it, whatever its update', async () => {
  const mechanism = made('discrete-gaussian', { noiseMultiplier: 3 })
  const algorithm = mechanism.protect(asking())
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: length, maxLength: length }),
      fc.double({ min: -n, max: n, noNaN: true }),
      async (update, count) => {
        const before = { update: new Float64Array(length), withinClip: Float64Array.of(count) }
        const state = algorithm.apply(algorithm.init(), request, before, n)
        const asked = requestOf(algorithm, state)
        const lanes = await algorithm.contribute(state, asked, { update: Float64Array.from(update) }, 0)
        const vector = Float64Array.from(encode(lanes, asked, { sites: n, coins: new Stream('coins') }), Number)
        const [event] = mechanism.charge(asked)
        if (event.type !== 'discrete-gaussian') throw new Error('charged otherwise')
        const [updates, vote] = event.parts
        expect(euclideanNorm(vector.slice(0, length))).toBeLessThanOrEqual(updates.l2)
        expect(Math.abs(vector[length])).toBeLessThanOrEqual(vote.l2)
        const within = euclideanNorm(Float64Array.from(update)) <= algorithm.metrics(state).clip
        expect(lanes.withinClip[0]).toBe(within ? 0.5 : -0.5)
      },
    ),
    { numRuns: 60, seed: 4 },
  )
})

describe('contradictions are refused with their place in the plan', () => {
  test.each([
    ['records', { unit: 'record', population: 500 }, /privacy\.adaptive: .*found record/],
    ['no norm to begin with', { clip: undefined }, /privacy\.clip/],
    ['a count with too little noise', { adaptive: { countNoise: 0.5 } }, /privacy\.adaptive\.countNoise/],
    ['a count with noise that leaves none to split', { adaptive: { countNoise: 0.5 + 1e-17 } }, /countNoise/],
  ])('%s', (_, more, where) => {
    for (const name of names) expect(() => made(name, more)).toThrow(where)
  })

  test.each([{ quantile: 0 }, { quantile: 1 }, { rate: 0 }, { rate: 2 }, { countNoise: -1 }, { speed: 1 }])(
    '%j',
    (adaptive) => {
      const { success } = mechanisms.gaussian.options.safeParse({ ...options, adaptive })
      expect(success).toBe(false)
    },
  )
})
