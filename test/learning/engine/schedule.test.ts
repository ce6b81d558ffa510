import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rateAt } from '../../../learning/engine/schedule.ts'

test('without a schedule the rate stays', () => {
  expect([0, 5, 99].map((step) => rateAt(0.3, undefined, step, 100))).toEqual([0.3, 0.3, 0.3])
})

test('the warm-up rises in equal parts to the full rate', () => {
  expect([0, 1, 2, 3, 4].map((step) => rateAt(4, { warmUp: 3 }, step, 10))).toEqual([1, 2, 3, 4, 4])
})

test('stairs multiply by their factor, counted from the end of the warm-up', () => {
  const schedule = { warmUp: 1, decay: { every: 2, factor: 0.5 } }
  expect([1, 2, 3, 4, 5].map((step) => rateAt(8, schedule, step, 10))).toEqual([8, 8, 4, 4, 2])
})

test('the cosine starts at the full rate, is half at the middle and falls all the way', () => {
  const rates = Array.from({ length: 100 }, (_, step) => rateAt(1, { decay: 'cosine' }, step, 100))
  expect(rates[0]).toBeCloseTo(1, 12)
  expect(rates[50]).toBeCloseTo(0.5, 12)
  expect(rates.every((rate, step) => step === 0 || rate < rates[step - 1])).toBe(true)
})

test('the series of the cosine agrees with the library to 1e-14', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999 }), (step) => {
      const expected = (1 + Math.cos((Math.PI * step) / 1000)) / 2
      expect(Math.abs(rateAt(1, { decay: 'cosine' }, step, 1000) - expected)).toBeLessThan(1e-14)
    }),
  )
})
