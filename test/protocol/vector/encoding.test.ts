import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SumRequest } from '../../../protocol/algorithm.ts'
import type { RingVector } from '../../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { Stream } from '../../../protocol/stream.ts'
import { decode, encode, packVector, scaleOf, unpackVector } from '../../../protocol/vector/encoding.ts'

const request = fc.record({
  bits: fc.constantFrom<32 | 64>(32, 64),
  sites: fc.integer({ min: 1, max: 128 }),
  bound: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
})

/** The adder's own arithmetic, element by element. */
function addInto(sum: RingVector, ring: RingVector): void {
  for (let k = 0; k < sum.length; k++) {
    if (sum instanceof Int32Array && ring instanceof Int32Array) sum[k] += ring[k]
    if (sum instanceof BigInt64Array && ring instanceof BigInt64Array) sum[k] += ring[k]
  }
}

const real = (bits: SumRequest['bits'], length: number, bound: number): SumRequest => ({
  purpose: 'test',
  bits,
  lanes: [{ name: 'v', length, bound, kind: 'real' }],
})

test('the decoded sum is within one unit a site of the real sum, whatever the ring, the sites and the bound', () => {
  fc.assert(
    fc.property(request, fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })), (shape, shares) => {
      const { bits, sites, bound } = shape
      const asked = real(bits, 2, bound)
      const values = Array.from({ length: sites }, () =>
        Float64Array.from({ length: 2 }, () => shares.next().value * bound),
      )
      const sum = bits === 64 ? new BigInt64Array(2) : new Int32Array(2)
      for (const [i, v] of values.entries()) {
        const ring = encode({ v }, asked, { sites, coins: new Stream(`site ${i}`) })
        addInto(sum, ring)
      }
      const found = decode(sum, asked, sites).v
      for (let k = 0; k < 2; k++) {
        const plain = values.reduce((total, v) => total + v[k], 0)
        expect(Math.abs(found[k] - plain)).toBeLessThanOrEqual(
          sites / scaleOf(asked.lanes[0], bits, sites) + 1e-9 * bound * sites,
        )
      }
    }),
  )
})

test('all sites at the bound do not overflow, whatever the ring, the sites and the bound', () => {
  fc.assert(
    fc.property(request, ({ bits, sites, bound }) => {
      const scale = scaleOf({ name: 'v', length: 1, bound, kind: 'real' }, bits, sites)
      expect(sites * (scale * bound + 1)).toBeLessThan(2 ** (bits - 1) + 1)
    }),
  )
})

test('whole numbers are exact', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 20 }), (values) => {
      const asked: SumRequest = {
        purpose: 'count',
        bits: 64,
        lanes: [{ name: 'n', length: 1, bound: 1000, kind: 'integer' }],
      }
      const sum = new BigInt64Array(1)
      for (const value of values) {
        const ring = encode({ n: Float64Array.of(value) }, asked, { sites: values.length, coins: new Stream('coins') })
        sum[0] += BigInt(ring[0])
      }
      expect(decode(sum, asked, values.length).n[0]).toBe(values.reduce((total, value) => total + value, 0))
    }),
  )
})

test('rounding has no bias: a third of a unit becomes a third on average', () => {
  const n = 30_000
  const asked = real(32, n, 1)
  const scale = scaleOf(asked.lanes[0], 32, 4)
  const v = new Float64Array(n).fill(1 / (3 * scale))
  const ring = encode({ v }, asked, { sites: 4, coins: new Stream('rounding') })
  const ones = [...ring].reduce<number>((total, unit) => total + Number(unit), 0)
  // Five standard deviations of a binomial count: the coins are fixed, so that this cannot flicker.
  expect(Math.abs(ones - n / 3)).toBeLessThan(5 * Math.sqrt((n * 2) / 9))
})

test('a number beyond its bound, or none, is refused before it is encoded', () => {
  const bad = fc.oneof(
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    fc.double({ min: 1.000001, max: 1e300, noNaN: true }),
    fc.double({ min: -1e300, max: -1.000001, noNaN: true }),
  )
  fc.assert(
    fc.property(bad, (value) => {
      const coins = new Stream('coins')
      expect(() => encode({ v: Float64Array.of(value) }, real(32, 1, 1), { sites: 3, coins })).toThrow(ProtocolError)
    }),
  )
})

test('a vector comes back from its bytes, and bytes of another length are refused', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1 }), (numbers) => {
      const vector = Int32Array.from(numbers)
      const asked = real(32, numbers.length, 1)
      expect(unpackVector(packVector(vector), asked)).toEqual(vector)
      expect(() => unpackVector(packVector(vector).subarray(1), asked)).toThrow(/ERR|expected/)
    }),
  )
})
