import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeShares } from '../../../protocol/crypto/decoding.ts'
import { combine, split } from '../../../protocol/crypto/shamir.ts'
import { testRandom } from '../../support/secure-round.ts'

const sharing = fc
  .record({
    secret: fc.uint8Array({ minLength: 1, maxLength: 32 }),
    sites: fc.integer({ min: 3, max: 20 }),
    missing: fc.integer({ min: 0, max: 8 }),
    seed: fc.string(),
  })
  .chain(({ sites, ...rest }) =>
    fc.record({
      ...{ sites: fc.constant(sites), rest: fc.constant(rest) },
      threshold: fc.integer({ min: 2, max: sites }),
      order: fc.shuffledSubarray(
        Array.from({ length: sites }, (_, i) => i),
        { minLength: sites, maxLength: sites },
      ),
    }),
  )

const deal = (secret: Uint8Array, sites: number, threshold: number, seed: string) =>
  split(secret, { threshold, points: Array.from({ length: sites }, (_, i) => i + 1), random: testRandom(seed) })

test('any threshold of the shares open the secret', () => {
  fc.assert(
    fc.property(sharing, ({ sites, threshold, order, rest: { secret, seed } }) => {
      const shares = deal(secret, sites, threshold, seed)
      expect(combine(order.slice(0, threshold).map((i) => shares[i]))).toEqual(secret)
    }),
  )
})

test('as many liars as half the shares beyond the threshold are corrected and named, whatever they send', () => {
  fc.assert(
    fc.property(sharing, ({ sites, threshold, order, rest: { secret, seed, missing } }) => {
      const shares = deal(secret, sites, threshold, seed)
      const there = order.slice(0, Math.max(threshold, sites - missing)).map((i) => shares[i])
      const liars = there.slice(0, Math.floor((there.length - threshold) / 2)).map(({ x }) => x)
      const noise = testRandom(`${seed} lies`)
      const sent = there.map((share) =>
        liars.includes(share.x)
          ? { x: share.x, bytes: share.bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte ^ noise.bytes(1)[0])) }
          : share,
      )
      expect(decodeShares(sent, threshold)).toEqual({ secret, wrong: liars.sort((a, b) => a - b) })
    }),
  )
})

test('one liar more than can be corrected is noticed: nothing comes out', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.string(), (secret, seed) => {
      // Five shares, threshold four: there is no room to correct anything.
      const shares = deal(secret, 5, 4, seed)
      const sent = shares.map((share, i) =>
        i === 2 ? { ...share, bytes: share.bytes.map((byte) => byte ^ 1) } : share,
      )
      expect(decodeShares(sent, 4)).toBeUndefined()
    }),
  )
})
