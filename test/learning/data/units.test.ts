import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkUnits, conversion } from '../../../learning/data/units.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const convert = (value: number, from: string, to: string): number => {
  const { factor, offset } = conversion(from, to, 'here')
  return value * factor + offset
}

test.each([
  [10, 'in', 'cm', 25.4],
  [1, 'lb', 'kg', 0.45359237],
  [120, 'mm Hg', 'kPa', 15.9986865],
  [2.5, 'years', 'months', 30],
  [200, 'mg/dl', 'g/l', 2],
  [98.6, 'F', 'C', 37],
  [37, 'C', 'K', 310.15],
  [60, 'beats/min', 'Hz', 1],
  [12, 'percent', 'fraction', 0.12],
  [3, '1000 EUR', 'EUR', 3000],
])('%d %s in %s is %d', (value, from, to, expected) => {
  expect(convert(value, from, to)).toBeCloseTo(expected, 6)
})

test('a conversion there and back changes nothing', () => {
  const pairs = fc.constantFrom(['F', 'C'], ['lb', 'kg'], ['mm Hg', 'kPa'], ['months', 'days'], ['ug/dl', 'g/l'])
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), pairs, (value, [from, to]) => {
      expect(convert(convert(value, from, to), to, from)).toBeCloseTo(value, 6)
    }),
  )
})

test.each([
  ['mg', 'mg/dl'],
  ['EUR', 'USD'],
  ['mmol/l', 'mg/dl'],
  ['stones', 'kg'],
])('%s does not become %s', (from, to) => {
  expect(() => conversion(from, to, 'here')).toThrow(expect.objectContaining({ code: 'ERR_DATA_UNIT' }))
})

test('a unit that a plan misspells is named with its path and what may be meant', () => {
  const plan = dataSchema.parse({ columns: [{ name: 'bp', type: 'number', unit: 'mm Hgg', range: [0, 1] }] })
  expect(() => checkUnits(plan)).toThrow(
    expect.objectContaining({ code: 'ERR_PLAN', message: expect.stringMatching(/^data\.columns\.0\.unit: .*"mm Hg"/) }),
  )
})
