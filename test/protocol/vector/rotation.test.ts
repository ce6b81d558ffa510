import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Stream } from '../../../protocol/stream.ts'
import { rotate, rotateBack, rotationBlock } from '../../../protocol/vector/rotation.ts'

const values = fc
  .array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 300 })
  .map((numbers) => Float64Array.from(numbers))

const norm = (v: Float64Array): number => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0))

const rotated = (v: Float64Array, label: string): Float64Array => {
  const copy = v.slice()
  rotate(copy, new Stream(label))
  return copy
}

test('the rotation keeps the norm and is undone, whatever the length', () => {
  fc.assert(
    fc.property(values, fc.string(), (v, label) => {
      const turned = rotated(v, label)
      expect(norm(turned)).toBeCloseTo(norm(v), 6)
      rotateBack(turned, new Stream(label))
      for (const [i, value] of turned.entries()) expect(Math.abs(value - v[i])).toBeLessThan(1e-9 * (1 + norm(v)))
    }),
  )
})

test('it is linear: the rotated sum is the sum of the rotated', () => {
  fc.assert(
    fc.property(values, fc.string(), (v, label) => {
      const other = v.map((value, i) => Math.sin(i) * 10 - value / 3)
      const sum = rotated(
        v.map((value, i) => value + other[i]),
        label,
      )
      const [a, b] = [rotated(v, label), rotated(other, label)]
      for (const [i, value] of sum.entries()) expect(Math.abs(value - a[i] - b[i])).toBeLessThan(1e-7)
    }),
  )
})

test('a spike is spread over all it can reach: no coordinate keeps more than its part of the norm', () => {
  for (const length of [64, 100, 127, 1000, 4096, 5000]) {
    for (const at of [0, 1, length >> 1, length - 1]) {
      const spike = new Float64Array(length)
      spike[at] = 1
      const largest = Math.max(...rotated(spike, `${length}`).map(Math.abs))
      expect(largest).toBeLessThan(5 / Math.sqrt(rotationBlock(length)))
    }
  }
})

test('frozen: five values, whose first four and last four are transformed', () => {
  const turned = rotated(
    Float64Array.from({ length: 5 }, (_, i) => i + 1),
    'frozen',
  )
  expect([...turned]).toEqual([-5, -1, 2, 4, -3])
})
