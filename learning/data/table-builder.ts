/** Builds tables record by record or column by column, checking every value against the plan's schema. */

import { InputError } from '../../protocol/errors.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import { BlockPlace, type CellBlock } from './cell.ts'
import type { CategoryReader, Dialect, NumberReader } from './cells.ts'
import { CategoryColumnBuilder, ImageColumnBuilder, LabelBuilder, NumberColumnBuilder } from './column-builder.ts'
import { type FileColumns, fieldsByName } from './file-columns.ts'
import { fileFormat, type Mapping } from './mapping.ts'
import type { Misfits } from './misfits.ts'
import { PatientBuilder } from './patients.ts'
import type { Row } from './row.ts'
import type { LoadedTable } from './source.ts'
import { imageColumns, labelColumn, type MeasuredColumn, measuredColumns, type Table } from './table.ts'
import { conversion } from './units.ts'

/** A field and its reader. */
export interface PlainColumn {
  readonly field: number
  readonly number?: NumberReader
  readonly category?: CategoryReader
}

export class TableBuilder {
  /** Rows since the last `take`. */
  rows = 0
  readonly columns: readonly (NumberColumnBuilder | CategoryColumnBuilder)[]
  readonly label: LabelBuilder | undefined
  readonly #schema: DataSchema
  readonly #mapping: Mapping
  readonly #file: FileColumns
  readonly #misfits: Misfits | undefined
  readonly #images: readonly ImageColumnBuilder[]
  readonly #patients: PatientBuilder | undefined
  #taken = 0
  #skipped = 0

  /**
   * @param misfits takes the values that do not fit, instead of a throw at the first: for a survey, whose table is let go.
   * @throws InputError ERR_DATA_COLUMN_*, ERR_DATA_UNIT: a source that cannot fit the plan, before any record is read.
   */
  constructor(schema: DataSchema, mapping: Mapping, file: FileColumns, misfits?: Misfits) {
    this.#misfits = misfits
    this.#schema = schema
    this.#mapping = mapping
    this.#file = file
    const fields = fieldsByName(schema, mapping, file)
    const fieldOf = (name: string) => fields.get(name) ?? -1
    this.columns = measuredColumns(schema).map((column) =>
      column.type === 'number'
        ? new NumberColumnBuilder(column, fieldOf(column.name), this.#dialect(column))
        : new CategoryColumnBuilder(column, fieldOf(column.name), this.#dialect(column)),
    )
    this.#images = imageColumns(schema).map((column) => new ImageColumnBuilder(column, fieldOf(column.name)))
    const { label, patient } = schema
    this.#patients = patient && new PatientBuilder(patient, fieldOf(patient.column))
    this.label = label && new LabelBuilder(label, fieldOf(label.column), this.#dialect(labelColumn(label)))
  }

  /** Fields of a record. */
  get fields(): number {
    return this.#file.names.length
  }

  /** Adds a record. @throws InputError ERR_CSV_FIELDS, ERR_DATA_*: the first field that does not fit, with its place. */
  add(row: Row): void {
    if (row.fields !== this.fields) throw this.#wrongLength(row)
    const patient = this.#patients?.keyOf(row)
    if ((patient !== undefined && !this.#patients?.counts(patient)) || this.label?.add(row) === false) {
      this.#skipped++
      return
    }
    if (patient !== undefined) this.#patients?.push(patient)
    for (const column of this.columns) column.add(row)
    for (const column of this.#images) column.add(row)
    this.rows++
  }

  /** Adds the records of a block, one column after the other, so that no more than one is held twice. @throws InputError ERR_DATA_* */
  async addBlock(block: CellBlock): Promise<void> {
    const kept = await this.#kept(block)
    const place = new BlockPlace(block)
    for (const column of [...this.columns, ...this.#images]) {
      const cells = await block.cells(column.field)
      for (let i = 0; i < kept.length; i++) {
        place.row = kept[i]
        column.addCell(cells[place.row], place)
      }
    }
    this.rows += kept.length
    this.#skipped += block.rows - kept.length
  }

  /** Makes room for so many rows in all. */
  reserve(rows: number): void {
    for (const column of this.columns) column.reserve(rows)
    this.label?.reserve(rows)
  }

  /** What reads each field that holds a column or the label; undefined for what only the parser reads. */
  *readers(): Generator<PlainColumn | undefined> {
    for (const column of this.columns) {
      const { field } = column
      yield column.type === 'number' ? { field, number: column.reader } : { field, category: column.reader }
    }
    for (const _ of this.#images) yield undefined
    // Whose row it is decides whether it counts, and is text that must be kept.
    if (this.#patients) yield undefined
    if (this.label?.number) yield { field: this.label.field, number: this.label.number }
    if (this.label?.category) yield { field: this.label.field, category: this.label.category }
  }

  /** Whether a row of `addPlain` has a label; one without is counted here and not added. */
  keeps(values: Float64Array, batch: number, row: number): boolean {
    if (!this.label || !Number.isNaN(this.label.valueOf(values[this.label.field * batch + row]))) return true
    this.#skipped++
    return false
  }

  /** Adds rows whose values were read already: `batch` places a field, the first `rows` of them filled. */
  addPlain(values: Float64Array, batch: number, rows: number): void {
    const { label } = this
    if (label) for (let row = 0; row < rows; row++) label.push(label.valueOf(values[label.field * batch + row]))
    for (const column of this.columns) {
      const start = column.field * batch
      column.append(values.subarray(start, start + rows))
    }
    this.rows += rows
  }

  /** The table since the last call; its values are let go. */
  take(): Table {
    const columns = this.columns.map((column) => column.take())
    const images = this.#images.map((column) => column.take())
    const rows = this.rows
    this.#taken += rows
    this.rows = 0
    return {
      schema: this.#schema,
      rows,
      columns,
      ...(images.length > 0 ? { images } : {}),
      ...(this.label ? { label: this.label.take() } : {}),
      ...(this.#patients ? { patients: this.#patients.take() } : {}),
    }
  }

  /** What can be said only once everything is read. @throws InputError ERR_DATA_EMPTY, ERR_DATA_LABEL_ONE_CLASS */
  check(): void {
    if (this.#taken + this.rows === 0) {
      const why = this.#skipped > 0 ? `the label is missing in all ${this.#skipped} rows` : 'there are no rows'
      throw new InputError('ERR_DATA_EMPTY', why, this.#file.source)
    }
    if (!this.#mapping.oneClass) this.label?.checkClasses(this.#file.source)
  }

  /** @throws InputError ERR_DATA_EMPTY, ERR_DATA_LABEL_ONE_CLASS */
  finish(): LoadedTable {
    this.check()
    const missing = Object.fromEntries(this.columns.map((column) => [column.name, column.missing]))
    const { rows } = this
    return { table: this.take(), summary: { rows, skipped: this.#skipped, missing } }
  }

  /** The rows of a block that count: with a label, and not too many of one patient. */
  async #kept(block: CellBlock): Promise<Uint32Array> {
    const kept = new Uint32Array(block.rows)
    const cells = this.label && (await block.cells(this.label.field))
    const keys = this.#patients && (await block.cells(this.#patients.field))
    const place = new BlockPlace(block)
    let count = 0
    for (let row = 0; row < block.rows; row++) {
      place.row = row
      const patient = keys && this.#patients?.keyOfCell(keys[row], place)
      if (patient !== undefined && !this.#patients?.counts(patient)) continue
      if (cells !== undefined && !this.label?.addCell(cells[row], place)) continue
      if (patient !== undefined) this.#patients?.push(patient)
      kept[count++] = row
    }
    return kept.subarray(0, count)
  }

  #dialect(column: MeasuredColumn): Dialect {
    return {
      missing: [...this.#schema.missing, ...column.missing, ...this.#mapping.missing],
      decimal: fileFormat(this.#schema, this.#mapping).decimal,
      codes: this.#mapping.categories[column.name] ?? {},
      ...(this.#misfits ? { misfits: this.#misfits } : {}),
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
    const message = `expected ${this.fields} fields, found ${row.fields}; is the delimiter right, is a field missing?`
    return row.fault(Math.min(this.fields, row.fields), 'ERR_CSV_FIELDS', message)
  }
}
