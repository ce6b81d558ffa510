/** Small tables for tests, and an arbitrary of tables of one schema. */

import fc from 'fast-check'
import type { Table } from '../../../learning/data/table.ts'
import { dataSchema } from '../../../protocol/schema.ts'

export const schema = dataSchema.parse({
  columns: [
    { name: 'a', type: 'number', range: [-10, 30] },
    { name: 'skip', type: 'ignore' },
    { name: 'k', type: 'category', categories: ['x', 'y', 'z'] },
    { name: 'b', type: 'number', range: [0, 1000] },
  ],
  label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
})

/** `a`, `k` (-1 for missing), `b` and the label. */
export type Record4 = readonly [number, number, number, number]

export const tableOf = (records: readonly Record4[]): Table => ({
  schema,
  rows: records.length,
  columns: [
    { type: 'number', name: 'a', values: Float64Array.from(records, ([a]) => a) },
    { type: 'category', name: 'k', categories: ['x', 'y', 'z'], codes: Int32Array.from(records, ([, k]) => k) },
    { type: 'number', name: 'b', values: Float64Array.from(records, ([, , b]) => b) },
  ],
  label: Float32Array.from(records, ([, , , label]) => label),
})

const number = (min: number, max: number) =>
  fc.oneof({ weight: 4, arbitrary: fc.double({ min, max, noNaN: true }) }, { weight: 1, arbitrary: fc.constant(NaN) })

export const anyRecord: fc.Arbitrary<Record4> = fc.tuple(
  number(-10, 30),
  fc.integer({ min: -1, max: 2 }),
  number(0, 1000),
  fc.integer({ min: 0, max: 1 }),
)

export const anyRecords = (minLength: number, maxLength = 20): fc.Arbitrary<Record4[]> =>
  fc.array(anyRecord, { minLength, maxLength })
