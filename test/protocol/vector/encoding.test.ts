import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SumRequest } from '../../../protocol/algorithm.ts'
import type { RingVector } from '../../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { Stream } from '../../../protocol/stream.ts'
import { decode, encode, scaleOf } from '../../../protocol/vector/encoding.ts'
import { zeroVector } from '../../../protocol/vector/packing.ts'
import { rotateBack } from '../../../protocol/vector/rotation.ts'

type Bits = 16 | 20 | 24 | 32 | 64

const request = fc.record({
  bits: fc.constantFrom<Bits>(16, 20, 24, 32, 64),
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

const real = (bits: Bits, length: number, bound: number): SumRequest => ({
  purpose: 'test',
  bits: bits === 64 ? 64 : 32,
  lanes: [{ name: 'v', length, bound, kind: 'real', ...(bits < 32 && { bits: narrow(bits) }) }],
})

const narrow = (bits: Bits): 16 | 20 | 24 => (bits === 16 || bits === 20 ? bits : 24)

/** A lane with a norm, long enough to be rotated in a ring of few bits. */
const normed = (bits: 16 | 20, length: number, l2: number): SumRequest => ({
  purpose: 'test',
  bits: 32,
  lanes: [{ name: 'v', length, bound: l2, kind: 'real', l2, bits }],
  rotation: 'test',
})

test('the decoded sum is within one unit a site of the real sum, whatever the ring, the sites and the bound', () => {
  fc.assert(
    fc.property(request, fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })), (shape, shares) => {
      const { bits, sites, bound } = shape
      const asked = real(bits, 2, bound)
      const values = Array.from({ length: sites }, () =>
        Float64Array.from({ length: 2 }, () => shares.next().value * bound),
      )
      const sum = zeroVector(asked)
      for (const [i, v] of values.entries()) {
        const ring = encode({ v }, asked, { sites, coins: new Stream(`site ${i}`) })
        addInto(sum, ring)
      }
      const found = decode(sum, asked, sites).v
      for (let k = 0; k < 2; k++) {
        const plain = values.reduce((total, v) => total + v[k], 0)
        expect(Math.abs(found[k] - plain)).toBeLessThanOrEqual(
          sites / scaleOf(asked.lanes[0], asked, sites) + 1e-9 * bound * sites,
        )
      }
    }),
  )
})

/** The most units a site may add so that `sites` of them stay in the ring. */
const mostUnits = (bits: number, sites: number): number => Math.floor((2 ** (bits - 1) - 1) / sites)

test('no coordinate of a site is more than the ring divided by the sites, at the bound, whatever the coins', () => {
  fc.assert(
    fc.property(request, fc.nat(), ({ bits, sites, bound }, seed) => {
      const asked = real(bits, 2, bound)
      const ring = encode({ v: Float64Array.of(bound, -bound) }, asked, { sites, coins: new Stream(`${seed}`) })
      const most = bits === 64 ? 2 ** 52 + 1 : mostUnits(bits, sites)
      for (const units of ring) expect(Math.abs(Number(units))).toBeLessThanOrEqual(most)
    }),
  )
})

test('a finer scale would not fit: the next power of two exceeds the ring', () => {
  fc.assert(
    fc.property(request, ({ bits, sites, bound }) => {
      fc.pre(bits < 64)
      const asked = real(bits, 1, bound)
      const scale = scaleOf(asked.lanes[0], asked, sites)
      expect(sites * (scale * bound + 1)).toBeLessThan(2 ** (bits - 1))
      expect(sites * (2 * scale * bound + 1)).toBeGreaterThanOrEqual(2 ** (bits - 1) - 1)
    }),
  )
})

test('the sum of the most units is exact, and one unit more a site wraps around', () => {
  fc.assert(
    fc.property(fc.constantFrom<16 | 20 | 24 | 32>(16, 20, 24, 32), fc.integer({ min: 3, max: 128 }), (bits, sites) => {
      const asked: SumRequest = {
        ...real(bits, 1, 1),
        lanes: [{ ...real(bits, 1, 1).lanes[0], kind: 'integer' }],
      }
      const most = mostUnits(bits, sites)
      const sumOf = (units: number): number => {
        const sum = new Int32Array(1)
        for (let i = 0; i < sites; i++) sum[0] += units
        return decode(sum, asked, sites).v[0]
      }
      expect(sumOf(most)).toBe(sites * most)
      expect(sumOf(-most)).toBe(-sites * most)
      expect(sumOf(most + 1)).not.toBe(sites * (most + 1))
    }),
  )
})

test('in a rotated lane no input leaves the ring either: a spike, a flat vector, one along the rotation', () => {
  fc.assert(
    fc.property(
      fc.record({ bits: fc.constantFrom<16 | 20>(16, 20), sites: fc.integer({ min: 3, max: 128 }) }),
      fc.integer({ min: 32, max: 300 }),
      fc.nat(),
      ({ bits, sites }, length, at) => {
        const asked = normed(bits, length, 3)
        const spike = new Float64Array(length).map((_, i) => (i === at % length ? 3 : 0))
        const flat = new Float64Array(length).fill(3 / Math.sqrt(length))
        // The rotation gathers this one into a single coordinate: it saturates, and does not wrap.
        const along = spike.slice()
        rotateBack(along, new Stream('test/rotation/v'))
        for (const v of [spike, flat, along.map((value) => value * (1 - 2 ** -40))]) {
          const ring = encode({ v }, asked, { sites, coins: new Stream('coins') })
          for (const units of ring) expect(Math.abs(Number(units))).toBeLessThanOrEqual(mostUnits(bits, sites))
        }
      },
    ),
  )
})

test('a rotated lane comes back from the sum within its rounding, where a plain one of 16 bits would be far coarser', () => {
  const sites = 20
  const length = 5000
  const asked = normed(16, length, 1)
  const inputs = Array.from({ length: sites }, (_, site) => {
    const stream = new Stream(`input ${site}`)
    const v = Float64Array.from({ length }, () => stream.normal())
    const norm = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0))
    return v.map((value) => (value / norm) * 0.999)
  })
  const sum = zeroVector(asked)
  for (const [i, v] of inputs.entries()) addInto(sum, encode({ v }, asked, { sites, coins: new Stream(`coins ${i}`) }))
  const found = decode(sum, asked, sites).v
  const errors = Array.from(found, (value, k) => value - inputs.reduce((total, v) => total + v[k], 0))
  const rms = Math.sqrt(errors.reduce((total, error) => total + error * error, 0) / length)
  const rotatedScale = scaleOf(asked.lanes[0], asked, sites)
  const plain = real(16, length, 1)
  expect(rotatedScale).toBeGreaterThanOrEqual(8 * scaleOf(plain.lanes[0], plain, sites))
  // Stochastic rounding has a deviation of at most half a unit a site.
  expect(rms).toBeLessThan((1.05 * Math.sqrt(sites)) / 2 / rotatedScale)
})

test('a lane beyond the norm it promised is refused before it would saturate', () => {
  const v = new Float64Array(64).fill(0.13)
  expect(() => encode({ v }, normed(16, 64, 1), { sites: 3, coins: new Stream('coins') })).toThrow(/norm/)
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
  const scale = scaleOf(asked.lanes[0], asked, 4)
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
