/** A table of one site: typed columns, missing values marked, rows that never leave the site. */

import type { CategoryColumn, Column, DataSchema, ImageColumn, Label, NumberColumn } from '../../protocol/schema.ts'

export interface NumberValues {
  readonly type: 'number'
  readonly name: string
  /** NaN where missing. */
  readonly values: Float64Array
}

export interface CategoryValues {
  readonly type: 'category'
  readonly name: string
  readonly categories: readonly string[]
  /** Index into `categories`; -1 where missing. */
  readonly codes: Int32Array
}

export type ColumnValues = NumberValues | CategoryValues

export interface ImageValues {
  readonly name: string
  readonly height: number
  readonly width: number
  readonly channels: number
  /** Bytes of all rows' images one after the other, each row-major with its channels side by side. */
  readonly pixels: Uint8Array
}

export interface Table {
  readonly schema: DataSchema
  readonly rows: number
  /** The plan's numbers and categories in the plan's order. */
  readonly columns: readonly ColumnValues[]
  /** The plan's images in the plan's order; absent where it has none. */
  readonly images?: readonly ImageValues[]
  /** 0/1 for a binary label, class index for classes, the number itself for regression; absent when the plan has no label. */
  readonly label?: Float32Array
  /** Whose row each is, where the plan names a column that says so. */
  readonly patients?: readonly string[]
}

export type MeasuredColumn = NumberColumn | CategoryColumn

/** The columns of numbers and categories, in the table's order. */
export const measuredColumns = (schema: DataSchema): MeasuredColumn[] =>
  schema.columns.filter(
    (column: Column): column is MeasuredColumn => column.type === 'number' || column.type === 'category',
  )

/** The columns of images, in the table's order. */
export const imageColumns = (schema: DataSchema): ImageColumn[] =>
  schema.columns.filter((column: Column): column is ImageColumn => column.type === 'image')

/** Bytes of one image. */
export const imageSize = ({ height, width, channels }: Pick<ImageValues, 'height' | 'width' | 'channels'>): number =>
  height * width * channels

/** The label as a column like any other: a binary label has the categories `negative` and `positive`. */
export function labelColumn(label: Label): MeasuredColumn {
  const { column: name, missing } = label
  switch (label.type) {
    case 'binary':
      return { type: 'category', name, categories: ['negative', 'positive'], missing }
    case 'class':
      return { type: 'category', name, categories: label.classes, missing }
    case 'number':
      return { type: 'number', name, range: label.range, integer: false, missing, ...unitOf(label) }
  }
}

/** The rows of `table` at the indices `rows`, in their order. */
export function selectRows(table: Table, rows: Uint32Array): Table {
  const columns = table.columns.map((column): ColumnValues => {
    if (column.type === 'number')
      return { ...column, values: gather(column.values, new Float64Array(rows.length), rows) }
    return { ...column, codes: gather(column.codes, new Int32Array(rows.length), rows) }
  })
  const images = table.images?.map((column) => ({ ...column, pixels: gatherImages(column, rows) }))
  const label = table.label && gather(table.label, new Float32Array(rows.length), rows)
  const patients = table.patients && Array.from(rows, (row) => table.patients?.[row] ?? '')
  return {
    schema: table.schema,
    rows: rows.length,
    columns,
    ...(images ? { images } : {}),
    ...(label ? { label } : {}),
    ...(patients ? { patients } : {}),
  }
}

/** The rows from `start` to before `end`, as views of the same memory. */
export function sliceTable(table: Table, start: number, end: number): Table {
  const columns = table.columns.map((column): ColumnValues => {
    if (column.type === 'number') return { ...column, values: column.values.subarray(start, end) }
    return { ...column, codes: column.codes.subarray(start, end) }
  })
  const images = table.images?.map((column) => {
    const size = imageSize(column)
    return { ...column, pixels: column.pixels.subarray(start * size, end * size) }
  })
  const label = table.label?.subarray(start, end)
  const patients = table.patients?.slice(start, end)
  return {
    schema: table.schema,
    rows: end - start,
    columns,
    ...(images ? { images } : {}),
    ...(label ? { label } : {}),
    ...(patients ? { patients } : {}),
  }
}

/** The rows of several tables of one schema, one after the other. */
export function joinTables(tables: readonly [Table, ...Table[]]): Table {
  const [first] = tables
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const columns = first.columns.map((column, i): ColumnValues => {
    const parts = tables.map((table) => table.columns[i])
    if (column.type === 'number') {
      return { ...column, values: joined(parts.map(numbersOf), new Float64Array(rows)) }
    }
    return { ...column, codes: joined(parts.map(codesOf), new Int32Array(rows)) }
  })
  const images = first.images?.map((column, i) => {
    const parts = tables.flatMap((table) => (table.images ? [table.images[i].pixels] : []))
    return { ...column, pixels: joined(parts, new Uint8Array(rows * imageSize(column))) }
  })
  const labels = tables.flatMap((table) => (table.label ? [table.label] : []))
  const label = labels.length === tables.length ? { label: joined(labels, new Float32Array(rows)) } : {}
  const patients = first.patients ? { patients: tables.flatMap((table) => table.patients ?? []) } : {}
  return { schema: first.schema, rows, columns, ...(images ? { images } : {}), ...label, ...patients }
}

interface Numbers {
  readonly length: number
  [index: number]: number
}

function gather<T extends Numbers>(from: T, to: T, rows: Uint32Array): T {
  for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]]
  return to
}

function gatherImages(column: ImageValues, rows: Uint32Array): Uint8Array {
  const size = imageSize(column)
  const gathered = new Uint8Array(rows.length * size)
  for (const [i, row] of rows.entries()) gathered.set(column.pixels.subarray(row * size, (row + 1) * size), i * size)
  return gathered
}

function joined<T extends Numbers & { set(part: T, offset: number): void }>(parts: readonly T[], whole: T): T {
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

function numbersOf(column: ColumnValues): Float64Array {
  if (column.type !== 'number') throw new Error(`"${column.name}" is a category here and a number elsewhere`)
  return column.values
}

function codesOf(column: ColumnValues): Int32Array {
  if (column.type !== 'category') throw new Error(`"${column.name}" is a number here and a category elsewhere`)
  return column.codes
}

const unitOf = (label: { readonly unit?: string | undefined }) => (label.unit === undefined ? {} : { unit: label.unit })
