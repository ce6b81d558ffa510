/**
 * Statistics of a table as sums: what one site adds, and what the sums over all sites say.
 * Numbers are measured on [-1, 1], their range, so that squares cannot cancel badly and one record's part is bounded.
 */

import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import { InputError } from '../../protocol/errors.ts'
import type { CategoryColumn, DataSchema, NumberColumn } from '../../protocol/schema.ts'
import { type ColumnValues, labelColumn, type MeasuredColumn, measuredColumns, type Table } from './table.ts'

export interface NumberStatistics {
  readonly type: 'number'
  readonly name: string
  readonly count: number
  readonly missing: number
  /** Of the values present; undefined where there are none. */
  readonly mean: number | undefined
  /** Sample variance (over count - 1); undefined where fewer than two values are present. */
  readonly variance: number | undefined
  /** Counts in equal bins over the column's range; empty unless asked for. */
  readonly histogram: readonly number[]
}

export interface CategoryStatistics {
  readonly type: 'category'
  readonly name: string
  readonly count: number
  readonly missing: number
  /** How often each category occurs, in the schema's order. */
  readonly counts: readonly number[]
}

export type ColumnStatistics = NumberStatistics | CategoryStatistics

export interface Statistics {
  readonly rows: number
  readonly columns: readonly ColumnStatistics[]
  readonly label?: ColumnStatistics
}

/** The most rows of one site: the bound of a count, and so of a sum of values in [-1, 1]. */
export const maxRows = 2 ** 24

/** A variance on [-1, 1] below this is rounding in the encoded sums: the column is constant. */
const leastVariance = 1e-9

/** What every site adds. `bins` is the number of bins of each histogram, 0 for none; `rowsEach` the most rows of one person. */
export function statisticsLanes(schema: DataSchema, bins: number, rowsEach = 1): Lane[] {
  const columns = allColumns(schema)
  const { numbers, categories } = countColumns(columns)
  // A record adds at most 1 to one number of each column.
  const lane = (name: string, length: number, kind: Lane['kind'], each: number): Lane => ({
    ...{ name, length, bound: maxRows, kind },
    perRecord: rowsEach * Math.sqrt(each),
  })
  const lanes = [
    lane('rows', 1, 'integer', 1),
    lane('present', numbers, 'integer', numbers),
    lane('sum', numbers, 'real', numbers),
    lane('squares', numbers, 'real', numbers),
    lane('categories', categories, 'integer', columns.length - numbers),
    lane('histogram', numbers * bins, 'integer', numbers),
  ]
  return lanes.filter(({ length }) => length > 0)
}

/** One site's part. @throws InputError ERR_DATA_ROWS */
export function sumTable(table: Table, bins: number): Lanes {
  checkRows(table.rows)
  const columns = allColumns(table.schema)
  const { numbers, categories } = countColumns(columns)
  const sums = {
    rows: Float64Array.of(table.rows),
    present: new Float64Array(numbers),
    sum: new Float64Array(numbers),
    squares: new Float64Array(numbers),
    categories: new Float64Array(categories),
    histogram: new Float64Array(numbers * bins),
  }
  let number = 0
  let category = 0
  for (const [i, values] of allValues(table).entries()) {
    const column = columns[i]
    if (column.type === 'number' && values.type === 'number') {
      const histogram = sums.histogram.subarray(number * bins, (number + 1) * bins)
      const { present, sum, squares } = sumNumbers(values.values, column.range, histogram)
      sums.present[number] = present
      sums.sum[number] = sum
      sums.squares[number] = squares
      number++
    } else if (column.type === 'category' && values.type === 'category') {
      countCodes(values.codes, sums.categories.subarray(category, category + column.categories.length))
      category += column.categories.length
    }
  }
  return Object.fromEntries(Object.entries(sums).filter(([, values]) => values.length > 0))
}

/** @throws InputError ERR_DATA_ROWS where a sum has no room for so many. */
export function checkRows(rows: number): void {
  if (rows <= maxRows) return
  throw new InputError('ERR_DATA_ROWS', `expected ${maxRows} rows at most, found ${rows}; split the site`)
}

/** What the sums over all sites say. */
export function readStatistics(schema: DataSchema, sums: Lanes, bins: number): Statistics {
  const rows = sums.rows[0]
  let number = 0
  let category = 0
  const read = (column: MeasuredColumn): ColumnStatistics => {
    if (column.type === 'number') return readNumber(column, sums, { rows, index: number++, bins })
    const counts = Array.from(sums.categories.subarray(category, category + column.categories.length))
    category += column.categories.length
    const count = counts.reduce((total, each) => total + each, 0)
    return { type: 'category', name: column.name, count, missing: rows - count, counts }
  }
  const columns = measuredColumns(schema).map(read)
  return { rows, columns, ...(schema.label ? { label: read(labelColumn(schema.label)) } : {}) }
}

function readNumber(
  column: NumberColumn,
  sums: Lanes,
  { rows, index, bins }: { readonly rows: number; readonly index: number; readonly bins: number },
): NumberStatistics {
  const [low, high] = column.range
  const count = sums.present[index]
  const mean = sums.sum[index] / count
  const meanSquare = sums.squares[index] / count - mean * mean
  const spread = meanSquare < leastVariance ? 0 : meanSquare * (count / (count - 1))
  const half = (high - low) / 2
  return {
    type: 'number',
    name: column.name,
    count,
    missing: rows - count,
    mean: count > 0 ? low + half * (mean + 1) : undefined,
    variance: count > 1 ? half * half * spread : undefined,
    histogram: bins === 0 ? [] : Array.from(sums.histogram.subarray(index * bins, (index + 1) * bins)),
  }
}

function sumNumbers(values: Float64Array, [low, high]: readonly [number, number], histogram: Float64Array) {
  const bins = histogram.length
  let present = 0
  let sum = 0
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (Number.isNaN(value)) continue
    const unit = (2 * value - low - high) / (high - low)
    present++
    sum += unit
    squares += unit * unit
    if (bins > 0) histogram[Math.min(bins - 1, Math.floor(((unit + 1) / 2) * bins))]++
  }
  return { present, sum, squares }
}

function countCodes(codes: Int32Array, counts: Float64Array): void {
  for (let i = 0; i < codes.length; i++) if (codes[i] >= 0) counts[codes[i]]++
}

const allColumns = (schema: DataSchema): MeasuredColumn[] => [
  ...measuredColumns(schema),
  ...(schema.label ? [labelColumn(schema.label)] : []),
]

function allValues(table: Table): ColumnValues[] {
  if (table.label === undefined || table.schema.label === undefined) return [...table.columns]
  const column = labelColumn(table.schema.label)
  const { name } = column
  const label: ColumnValues =
    column.type === 'number'
      ? { type: 'number', name, values: Float64Array.from(table.label) }
      : { type: 'category', name, categories: column.categories, codes: Int32Array.from(table.label) }
  return [...table.columns, label]
}

function countColumns(columns: readonly MeasuredColumn[]): { readonly numbers: number; readonly categories: number } {
  const categories = columns.filter((column): column is CategoryColumn => column.type === 'category')
  return {
    numbers: columns.length - categories.length,
    categories: categories.reduce((total, column) => total + column.categories.length, 0),
  }
}
