import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  featureCount,
  featureNames,
  type PreprocessingOptions,
  prepare,
  preprocessing,
  preprocessingSchema,
  restoreOutputs,
} from '../../../learning/data/preprocess.ts'
import { readStatistics, sumTable } from '../../../learning/data/statistics.ts'
import type { Table } from '../../../learning/data/table.ts'
import { dataSchema } from '../../../protocol/schema.ts'
import { anyRecords, type Record4, schema, tableOf } from './tables.ts'

const plain: PreprocessingOptions = { numbers: 'mean', categories: 'zero' }
const full: PreprocessingOptions = { numbers: 'mean+indicator', categories: 'frequent' }

const from = (table: Table, options: PreprocessingOptions) =>
  preprocessing(table.schema, readStatistics(table.schema, sumTable(table, 0), 0), options)

/** To nine digits: the mean comes from sums on [-1, 1], which round. */
const rounded = (values: Float32Array): number[] => Array.from(values, (value) => Math.round(value * 1e9) / 1e9 + 0)

const four: Record4[] = [
  [1, 0, 100, 0],
  [3, 1, 300, 1],
  [NaN, -1, 200, 1],
  [2, 1, NaN, 0],
]

test('numbers are standardised, categories one-hot, and what is missing is zero', () => {
  const { x, y, rows, features } = prepare(tableOf(four), from(tableOf(four), plain))
  expect([rows, features]).toEqual([4, 5])
  expect(Array.from({ length: 4 }, (_, i) => rounded(x.slice(5 * i, 5 * i + 5)))).toEqual([
    [-1, 1, 0, 0, -1],
    [1, 0, 1, 0, 1],
    [0, 0, 0, 0, 0],
    [0, 0, 1, 0, 0],
  ])
  expect([...y]).toEqual([0, 1, 1, 0])
})

test('indicators say what was missing, and a missing category may become the most frequent', () => {
  const { x, features } = prepare(tableOf(four), from(tableOf(four), full))
  expect(features).toBe(7)
  expect(rounded(x.slice(14, 28))).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1])
})

test('features are counted and named before any row is seen', () => {
  for (const options of [plain, full]) {
    expect(featureNames(from(tableOf(four), options))).toHaveLength(featureCount(schema, options))
  }
  expect(featureNames(from(tableOf(four), full))).toEqual(['a', 'a missing', 'k=x', 'k=y', 'k=z', 'b', 'b missing'])
})

test('every feature is finite, even of columns that are empty or constant everywhere', () => {
  fc.assert(
    fc.property(anyRecords(1), anyRecords(1), (training, others) => {
      const rules = from(tableOf(training), full)
      expect(prepare(tableOf(others), rules).x.every(Number.isFinite)).toBe(true)
    }),
  )
})

test('a row is prepared alike alone and among others', () => {
  fc.assert(
    fc.property(anyRecords(1), fc.nat(), (records, choice) => {
      const rules = from(tableOf(records), full)
      const row = choice % records.length
      const { x, features } = prepare(tableOf(records), rules)
      expect(prepare(tableOf([records[row]]), rules).x).toEqual(x.slice(row * features, (row + 1) * features))
    }),
  )
})

test('the rules are plain JSON that reads back the same', () => {
  const rules = from(tableOf(four), full)
  expect(preprocessingSchema.parse(JSON.parse(JSON.stringify(rules)))).toEqual(rules)
})

test('a number as label is scaled for training and restored in outputs', () => {
  const numberSchema = dataSchema.parse({
    columns: [{ name: 'a', type: 'number', range: [0, 1] }],
    label: { column: 'cost', type: 'number', range: [0, 100] },
  })
  const columns = [{ type: 'number' as const, name: 'a', values: Float64Array.of(0, 0.5, 1) }]
  const table = { schema: numberSchema, rows: 3, columns, label: Float32Array.of(20, 30, 40) }
  const rules = from(table, plain)
  const { y } = prepare(table, rules)
  expect(rounded(y)).toEqual([-1, 0, 1])
  expect([...restoreOutputs(y, rules)]).toEqual([20, 30, 40])
})
