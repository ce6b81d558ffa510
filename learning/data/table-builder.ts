/** Builds a table record by record from text, checking every field against the plan's schema. */

import { InputError } from '../../protocol/errors.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import type { Dialect } from './cells.ts'
import { type ColumnBuilder, columnBuilder, LabelBuilder } from './column-builder.ts'
import { type FileColumns, fieldsByName } from './file-columns.ts'
import { fileFormat, type Mapping } from './mapping.ts'
import type { Row } from './row.ts'
import type { LoadedTable } from './source.ts'
import { labelColumn, type MeasuredColumn, measuredColumns } from './table.ts'
import { conversion } from './units.ts'

export class TableBuilder {
  readonly #schema: DataSchema
  readonly #mapping: Mapping
  readonly #file: FileColumns
  readonly #columns: readonly ColumnBuilder[]
  readonly #label: LabelBuilder | undefined
  #rows = 0
  #skipped = 0

  /** @throws InputError ERR_DATA_COLUMN_*, ERR_DATA_UNIT: a file that cannot fit the plan, before any record is read. */
  constructor(schema: DataSchema, mapping: Mapping, file: FileColumns) {
    this.#schema = schema
    this.#mapping = mapping
    this.#file = file
    const fields = fieldsByName(schema, mapping, file)
    const fieldOf = (name: string) => fields.get(name) ?? -1
    this.#columns = measuredColumns(schema).map((column) =>
      columnBuilder(column, fieldOf(column.name), this.#dialect(column)),
    )
    const label = schema.label
    this.#label = label && new LabelBuilder(label, fieldOf(label.column), this.#dialect(labelColumn(label)))
  }

  /** Adds a record. @throws InputError ERR_CSV_FIELDS, ERR_DATA_*: the first field that does not fit, with its place. */
  add(row: Row): void {
    if (row.fields !== this.#file.names.length) throw this.#wrongLength(row)
    if (this.#label?.add(row) === false) {
      this.#skipped++
      return
    }
    for (const column of this.#columns) column.add(row)
    this.#rows++
  }

  /** @throws InputError ERR_DATA_EMPTY, ERR_DATA_LABEL_ONE_CLASS */
  finish(): LoadedTable {
    if (this.#rows === 0) {
      const why = this.#skipped > 0 ? `the label is missing in all ${this.#skipped} rows` : 'the file holds no rows'
      throw new InputError('ERR_DATA_EMPTY', why, this.#file.source)
    }
    if (!this.#mapping.oneClass) this.#label?.checkClasses(this.#file.source)
    const missing = Object.fromEntries(this.#columns.map((column) => [column.name, column.missing]))
    const columns = this.#columns.map((column) => column.finish())
    const label = this.#label ? { label: this.#label.finish() } : {}
    return {
      table: { schema: this.#schema, rows: this.#rows, columns, ...label },
      summary: { rows: this.#rows, skipped: this.#skipped, missing },
    }
  }

  #dialect(column: MeasuredColumn): Dialect {
    return {
      missing: [...this.#schema.missing, ...column.missing, ...this.#mapping.missing],
      decimal: fileFormat(this.#schema, this.#mapping).decimal,
      codes: this.#mapping.categories[column.name] ?? {},
      ...this.#conversion(column),
    }
  }

  #conversion(column: MeasuredColumn): Pick<Dialect, 'conversion'> {
    const recorded = this.#mapping.units[column.name]
    const wanted = column.type === 'number' ? column.unit : undefined
    if (recorded === undefined || recorded === wanted) return {}
    const where = `${this.#file.source}: ${column.name}`
    if (wanted === undefined) {
      throw new InputError('ERR_DATA_UNIT', `the plan gives this column no unit to convert "${recorded}" to`, where)
    }
    return { conversion: conversion(recorded, wanted, where) }
  }

  #wrongLength(row: Row): InputError {
    const expected = this.#file.names.length
    const message = `expected ${expected} fields, found ${row.fields}; is the delimiter right, is a field missing?`
    return row.fault(Math.min(expected, row.fields), 'ERR_CSV_FIELDS', message)
  }
}
