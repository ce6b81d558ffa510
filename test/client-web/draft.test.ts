/** A mapping while a person fills it in. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isMissing,
  missingText,
  renamedTo,
  withCode,
  withMissing,
  withMissingText,
  withName,
  withUnit,
} from '../../client-web/join/draft.ts'
import { noMapping } from '../../learning/data/mapping.ts'

const word = fc.constantFrom('a', 'b', 'c', 'd')

test('a column of the file stands for one column of the plan, and the other way round', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.oneof(word, fc.constant('')))), (answers) => {
      const draft = answers.reduce((before, [column, name]) => withName(before, column, name), noMapping)
      const columns = Object.values(draft.rename)
      expect(new Set(columns).size).toBe(columns.length)
      const [column, name] = answers.at(-1) ?? ['a', '']
      expect(renamedTo(draft, column) ?? '').toBe(name)
    }),
    { seed: 1, numRuns: 100 },
  )
})

test('codes, units and signs for missing are taken back by their empty answer, and leave nothing behind', () => {
  fc.assert(
    fc.property(word, word, word, (column, value, code) => {
      const said = withUnit(withMissing(withCode(noMapping, { column, value, code }), value, true), column, 'cm')
      expect(said.categories[column]?.[value]).toBe(code)
      expect([isMissing(said, value), said.units[column]]).toEqual([true, 'cm'])
      const back = withUnit(withMissing(withCode(said, { column, value, code: '' }), value, false), column, undefined)
      expect(back).toEqual(noMapping)
    }),
    { seed: 2, numRuns: 50 },
  )
})

test('codes for missing are written with commas; an empty field, which cannot be, stays what it was', () => {
  const draft = withMissing(withMissing(noMapping, '', true), '-9', true)
  expect(missingText(draft)).toBe('-9')
  expect(withMissingText(draft, ' 99, n/a ,99,').missing).toEqual(['', '99', 'n/a'])
})
