/** The layers around the sum: what they let through, and how many honest shares noise may count on. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Algorithm, Lanes, SumRequest } from '../../../protocol/algorithm.ts'
import { clipLanes, euclideanNorm } from '../../../protocol/privacy/clip.ts'
import { fastDelta, honestShares } from '../../../protocol/privacy/cohort.ts'
import { mechanisms } from '../../../protocol/privacy/index.ts'
import { thresholdsOf } from '../../../protocol/secagg/thresholds.ts'

const request: SumRequest = {
  purpose: 'a round',
  bits: 32,
  lanes: [
    { name: 'update', length: 3, bound: 10, kind: 'real', l2: 10 },
    { name: 'rows', length: 1, bound: 1000, kind: 'integer' },
  ],
}

const algorithm: Algorithm<unknown, Lanes> = {
  init: () => 'start',
  request: () => request,
  contribute: async (_state, asked, site) => {
    expect(asked).toEqual(request)
    return site
  },
  apply: (_state, asked, sum) => {
    expect(asked).toEqual(request)
    return sum
  },
  encode: () => new Uint8Array(1),
  decode: () => 'start',
  metrics: () => ({}),
  result: () => 'done',
}

const cohort = { sites: 5, honest: 3, releases: 10 }

test('no mechanism leaves the algorithm as it is, and says that nothing bounds the loss', () => {
  const none = mechanisms.none.create({ name: 'none' }, cohort)
  expect(none.protect(algorithm)).toBe(algorithm)
  expect(none.unit).toBeUndefined()
  expect(none.charge(request)).toEqual([{ type: 'unprotected', count: 1 }])
})

test('clipping shortens what has a norm and leaves the rest, at the request and at the contribution', async () => {
  const clipped = mechanisms.clip.create({ name: 'clip', clip: 5 }, cohort).protect(algorithm)
  const asked = clipped.request('start')
  expect(asked?.lanes).toEqual([
    { name: 'update', length: 3, bound: 5, kind: 'real', l2: 5 },
    { name: 'rows', length: 1, bound: 1000, kind: 'integer' },
  ])
  if (asked === undefined) throw new Error('no request')
  const lanes = await clipped.contribute(
    'start',
    asked,
    { update: Float64Array.of(6, 8, 0), rows: Float64Array.of(7) },
    0,
  )
  expect(lanes.update[0]).toBeCloseTo(3, 9)
  expect(lanes.update[1]).toBeCloseTo(4, 9)
  expect(lanes.rows).toEqual(Float64Array.of(7))
})

test('a clipped vector keeps its direction and is never longer than the norm, to the last bit', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 }), (values) => {
      const { update } = clipLanes({ update: Float64Array.from(values), rows: Float64Array.of(0) }, request)
      expect(euclideanNorm(update)).toBeLessThanOrEqual(10)
      const [a, b] = [values[0] * update[1], values[1] * update[0]]
      expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(a)))
    }),
  )
})

test.each([
  ['a norm that is not positive', { clip: 0 }],
  ['a norm that is not finite', { clip: Number.POSITIVE_INFINITY }],
  ['an unknown option', { clip: 1, norm: 2 }],
  ['no norm', {}],
])('clipping refuses %s', (_, options) => {
  expect(mechanisms.clip.options.safeParse(options).success).toBe(false)
})

describe('honest shares', () => {
  test.each([
    // The table of the design: N, c, t, strict, fast.
    [3, 0, 3, 3, 3],
    [5, 1, 4, 3, 3],
    [7, 1, 6, 5, 5],
    [10, 2, 8, 6, 6],
    [15, 3, 12, 9, 8],
    [20, 4, 15, 11, 9],
    [30, 6, 23, 17, 15],
    [50, 10, 38, 28, 23],
    [100, 20, 75, 55, 44],
    [200, 40, 150, 110, 88],
  ])(
    '%i sites, %i colluding, threshold %i: %i when agreed upon, %i when not',
    (sites, colluding, threshold, strict, fast) => {
      const thresholds = { colluding, threshold, minimum: threshold }
      const own = colluding === 0 ? 1 : 0
      expect(honestShares({ sites, thresholds, mode: 'strict' })).toBe(strict - own)
      expect(honestShares({ sites, thresholds, mode: 'fast' })).toBe(fast - own)
      expect(fastDelta({ sites, colluding, threshold })).toBe(fast)
    },
  )

  test('are never more than the cohort without the colluding sites, and never more in fast mode', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 128 }), (sites) => {
        const thresholds = thresholdsOf(sites)
        const strict = honestShares({ sites, thresholds, mode: 'strict' })
        expect(strict).toBeLessThanOrEqual(thresholds.minimum - thresholds.colluding)
        expect(honestShares({ sites, thresholds, mode: 'fast' })).toBeLessThanOrEqual(strict)
      }),
    )
  })

  test('of an unsafe threshold are none to count on', () => {
    expect(fastDelta({ sites: 10, colluding: 2, threshold: 6 })).toBe(0)
  })
})
