/** The public stream of choices: drawing many numbers at once is drawing them one by one. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Stream } from '../../protocol/stream.ts'

test('many uniform numbers at once are those of as many calls, and leave the stream where they would', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.nat({ max: 50 }), { maxLength: 6 }), (label, lengths) => {
      const one = new Stream(label)
      const many = new Stream(label)
      for (const length of lengths) {
        const values = new Float64Array(length)
        many.uniforms(values)
        expect([...values]).toEqual(Array.from({ length }, () => one.uniform()))
        expect(many.uint32()).toBe(one.uint32())
      }
    }),
    { seed: 3, numRuns: 100 },
  )
})

test('a copy gives what the stream would have given, and leaves it where it was', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat({ max: 9 }), (label, drawn) => {
      const stream = new Stream(label)
      for (let i = 0; i < drawn; i++) stream.normal()
      const copy = stream.copy()
      const numbers = [copy.normal(), copy.uniform(), copy.normal()]
      expect([stream.normal(), stream.uniform(), stream.normal()]).toEqual(numbers)
    }),
    { seed: 4, numRuns: 50 },
  )
})
