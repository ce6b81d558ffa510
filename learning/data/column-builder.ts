/** Values of one column as they are read, from the fields of a text or the cells of a block. */

import { InputError } from '../../protocol/errors.ts'
import type { CategoryColumn, ImageColumn, Label, NumberColumn } from '../../protocol/schema.ts'
import { cellOf, type Place } from './cell.ts'
import { CategoryReader, type Dialect, NumberReader } from './cells.ts'
import { Growing } from './growing.ts'
import type { Row } from './row.ts'
import { type CategoryValues, type ImageValues, imageSize, labelColumn, type NumberValues } from './table.ts'

export interface ColumnBuilder<Values> {
  readonly name: string
  /** The column's place in a record. */
  readonly field: number
  /** Missing values so far. */
  readonly missing: number
  add(row: Row): void
  addCell(value: unknown, place: Place): void
  /** The values since the last call, which are let go. */
  take(): Values
}

export class NumberColumnBuilder implements ColumnBuilder<NumberValues> {
  readonly type = 'number'
  readonly name: string
  readonly field: number
  missing = 0
  readonly reader: NumberReader
  readonly #values = new Growing((length) => new Float64Array(length))

  constructor(column: NumberColumn, field: number, dialect: Dialect) {
    this.name = column.name
    this.field = field
    this.reader = new NumberReader(column, dialect)
  }

  add(row: Row): void {
    this.push(this.reader.read(row, this.field))
  }

  addCell(value: unknown, place: Place): void {
    this.push(this.reader.readCell(cellOf(value), place, this.field))
  }

  push(value: number): void {
    if (Number.isNaN(value)) this.missing++
    this.#values.push(value)
  }

  reserve(rows: number): void {
    this.#values.reserve(rows)
  }

  append(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) this.missing++
    this.#values.append(values)
  }

  take(): NumberValues {
    return { type: 'number', name: this.name, values: this.#values.take() }
  }
}

export class CategoryColumnBuilder implements ColumnBuilder<CategoryValues> {
  readonly type = 'category'
  readonly name: string
  readonly field: number
  missing = 0
  readonly reader: CategoryReader
  readonly #categories: readonly string[]
  readonly #codes = new Growing((length) => new Int32Array(length))

  constructor(column: CategoryColumn, field: number, dialect: Dialect) {
    this.name = column.name
    this.field = field
    this.#categories = column.categories
    this.reader = new CategoryReader(column, dialect)
  }

  add(row: Row): void {
    this.push(this.reader.read(row, this.field))
  }

  addCell(value: unknown, place: Place): void {
    this.push(this.reader.readCell(cellOf(value), place, this.field))
  }

  push(code: number): void {
    if (code === -1) this.missing++
    this.#codes.push(code)
  }

  reserve(rows: number): void {
    this.#codes.reserve(rows)
  }

  append(codes: Float64Array): void {
    for (let i = 0; i < codes.length; i++) if (codes[i] === -1) this.missing++
    this.#codes.append(codes)
  }

  take(): CategoryValues {
    return { type: 'category', name: this.name, categories: this.#categories, codes: this.#codes.take() }
  }
}

export class ImageColumnBuilder implements ColumnBuilder<ImageValues> {
  readonly name: string
  readonly field: number
  /** Every row has its image. */
  readonly missing = 0
  readonly #column: ImageColumn
  #images: Uint8Array[] = []

  constructor(column: ImageColumn, field: number) {
    this.name = column.name
    this.field = field
    this.#column = column
  }

  add(row: Row): void {
    const message = `"${this.name}" is an image, and text holds none; take a source of images`
    throw row.fault(this.field, 'ERR_DATA_IMAGE', message)
  }

  /** Takes pixels that the source has brought to the column's shape. */
  addCell(value: unknown, place: Place): void {
    const size = imageSize(this.#column)
    if (!(value instanceof Uint8Array) || value.length !== size) {
      const found = value instanceof Uint8Array ? `${value.length} bytes` : 'none'
      throw place.fault(
        this.field,
        'ERR_DATA_IMAGE',
        `"${this.name}": expected an image of ${size} bytes, found ${found}`,
      )
    }
    this.#images.push(value)
  }

  take(): ImageValues {
    const { name, height, width, channels } = this.#column
    const size = imageSize(this.#column)
    const pixels = new Uint8Array(this.#images.length * size)
    for (const [i, image] of this.#images.entries()) pixels.set(image, i * size)
    this.#images = []
    return { name, height, width, channels, pixels }
  }
}

/** The label: 0/1 for a binary label, the class's index, or the number. */
export class LabelBuilder {
  readonly field: number
  readonly #label: Label
  readonly #dialect: Dialect
  readonly number: NumberReader | undefined
  readonly category: CategoryReader | undefined
  /** Codes from here on are positive; undefined for other than binary labels. */
  readonly #firstPositive: number | undefined
  readonly #values = new Growing((length) => new Float32Array(length))
  #positives = 0
  #rows = 0

  constructor(label: Label, field: number, dialect: Dialect) {
    this.field = field
    this.#label = label
    this.#dialect = dialect
    const column = labelColumn(label)
    if (column.type === 'number') this.number = new NumberReader(column, dialect)
    else {
      const categories = label.type === 'binary' ? [...label.negative, ...label.positive] : column.categories
      this.#firstPositive = label.type === 'binary' ? label.negative.length : undefined
      this.category = new CategoryReader({ ...column, categories }, dialect)
    }
  }

  /** @returns false, and adds nothing, where the label is missing. @throws InputError ERR_DATA_LABEL_MISSING, ERR_DATA_* */
  add(row: Row): boolean {
    if (this.number) return this.push(this.number.read(row, this.field))
    if (row.starts[this.field] === row.ends[this.field] && !this.#mayBeEmpty(row)) return false
    return this.push(this.category ? this.#ofCode(this.category.read(row, this.field)) : Number.NaN)
  }

  addCell(value: unknown, place: Place): boolean {
    const cell = cellOf(value)
    if (this.number) return this.push(this.number.readCell(cell, place, this.field))
    if (cell === '' && !this.#mayBeEmpty(place)) return false
    return this.push(this.category ? this.#ofCode(this.category.readCell(cell, place, this.field)) : Number.NaN)
  }

  reserve(rows: number): void {
    this.#values.reserve(rows)
  }

  push(value: number): boolean {
    if (Number.isNaN(value)) return false
    if (value > 0) this.#positives++
    this.#rows++
    this.#values.push(value)
    return true
  }

  /** A site whose binary label is always the same has most likely coded it wrongly. @throws InputError */
  checkClasses(source: string): void {
    const fault = this.#classFault(source)
    if (fault === undefined) return
    const { misfits } = this.#dialect
    if (misfits === undefined) throw fault
    // Labels that could not be read say nothing about the classes.
    if (!misfits.has(this.#label.column)) misfits.note(this.#label.column, '', fault.code, () => fault)
  }

  take(): Float32Array {
    return this.#values.take()
  }

  /** What was read of a label, NaN where it is missing. */
  valueOf(read: number): number {
    return this.number ? read : this.#ofCode(read)
  }

  #classFault(source: string): InputError | undefined {
    if (this.#label.type !== 'binary' || (this.#positives > 0 && this.#positives < this.#rows)) return undefined
    const { column, positive, negative } = this.#label
    const [which, codes] = this.#positives === 0 ? ['positive', positive] : ['negative', negative]
    return new InputError(
      'ERR_DATA_LABEL_ONE_CLASS',
      `the label "${column}" is never ${which} (${codes.join(', ')}) in ${this.#rows} rows; ` +
        'if that is no mistake, say `oneClass: true` in the mapping of this site',
      source,
    )
  }

  #ofCode(code: number): number {
    if (code === -1) return Number.NaN
    return this.#firstPositive === undefined ? code : Number(code >= this.#firstPositive)
  }

  /** @throws InputError ERR_DATA_LABEL_MISSING where it may not; in a survey that is noted. */
  #mayBeEmpty(place: Place): boolean {
    const { missing, misfits } = this.#dialect
    if (missing.includes('')) return true
    const { column } = this.#label
    const fault = () => place.fault(this.field, 'ERR_DATA_LABEL_MISSING', `the label "${column}" is empty`)
    if (misfits === undefined) throw fault()
    misfits.note(column, '', 'ERR_DATA_LABEL_MISSING', fault)
    return false
  }
}
