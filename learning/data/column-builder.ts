/** Values of one column as they are read: kept in pieces of fixed size, so that growing never copies a whole column. */

import { InputError } from '../../protocol/errors.ts'
import type { CategoryColumn, Label, NumberColumn } from '../../protocol/schema.ts'
import { CategoryReader, type Dialect, NumberReader } from './cells.ts'
import type { Row } from './row.ts'
import { type CategoryValues, type ColumnValues, labelColumn, type MeasuredColumn, type NumberValues } from './table.ts'

const pieceLength = 65_536

export interface ColumnBuilder {
  readonly name: string
  /** Missing values so far. */
  readonly missing: number
  add(row: Row): void
  /** The whole column; the pieces are let go. */
  finish(): ColumnValues
}

/** `field` is the column's place in a record. */
export const columnBuilder = (column: MeasuredColumn, field: number, dialect: Dialect): ColumnBuilder =>
  column.type === 'number'
    ? new NumberColumnBuilder(column, field, dialect)
    : new CategoryColumnBuilder(column, field, dialect)

class NumberColumnBuilder implements ColumnBuilder {
  readonly name: string
  missing = 0
  readonly #reader: NumberReader
  readonly #field: number
  readonly #values = new Pieces((length) => new Float64Array(length))

  constructor(column: NumberColumn, field: number, dialect: Dialect) {
    this.name = column.name
    this.#field = field
    this.#reader = new NumberReader(column, dialect)
  }

  add(row: Row): void {
    const value = this.#reader.read(row, this.#field)
    if (Number.isNaN(value)) this.missing++
    this.#values.push(value)
  }

  finish(): NumberValues {
    return { type: 'number', name: this.name, values: this.#values.whole() }
  }
}

class CategoryColumnBuilder implements ColumnBuilder {
  readonly name: string
  missing = 0
  readonly #reader: CategoryReader
  readonly #field: number
  readonly #categories: readonly string[]
  readonly #codes = new Pieces((length) => new Int32Array(length))

  constructor(column: CategoryColumn, field: number, dialect: Dialect) {
    this.name = column.name
    this.#field = field
    this.#categories = column.categories
    this.#reader = new CategoryReader(column, dialect)
  }

  add(row: Row): void {
    const code = this.#reader.read(row, this.#field)
    if (code === -1) this.missing++
    this.#codes.push(code)
  }

  finish(): CategoryValues {
    return { type: 'category', name: this.name, categories: this.#categories, codes: this.#codes.whole() }
  }
}

/** The label: 0/1 for a binary label, the class's index, or the number. */
export class LabelBuilder {
  readonly #label: Label
  readonly #read: (row: Row) => number
  readonly #values = new Pieces((length) => new Float32Array(length))
  #positives = 0

  constructor(label: Label, field: number, dialect: Dialect) {
    this.#label = label
    this.#read = labelReader(label, field, dialect)
  }

  /** @returns false, and adds nothing, where the label is missing. @throws InputError ERR_DATA_LABEL_MISSING, ERR_DATA_* */
  add(row: Row): boolean {
    const value = this.#read(row)
    if (Number.isNaN(value)) return false
    if (value > 0) this.#positives++
    this.#values.push(value)
    return true
  }

  /** A site whose binary label is always the same has most likely coded it wrongly. @throws InputError */
  checkClasses(source: string): void {
    if (this.#label.type !== 'binary' || (this.#positives > 0 && this.#positives < this.#values.length)) return
    const { column, positive, negative } = this.#label
    const [which, codes] = this.#positives === 0 ? ['positive', positive] : ['negative', negative]
    throw new InputError(
      'ERR_DATA_LABEL_ONE_CLASS',
      `the label "${column}" is never ${which} (${codes.join(', ')}) in ${this.#values.length} rows; ` +
        'if that is no mistake, say `oneClass: true` in the mapping of this site',
      source,
    )
  }

  finish(): Float32Array {
    return this.#values.whole()
  }
}

function labelReader(label: Label, field: number, dialect: Dialect): (row: Row) => number {
  const column = labelColumn(label)
  if (column.type === 'number') {
    const reader = new NumberReader(column, dialect)
    return (row) => reader.read(row, field)
  }
  const categories = label.type === 'binary' ? [...label.negative, ...label.positive] : column.categories
  const firstPositive = label.type === 'binary' ? label.negative.length : undefined
  const reader = new CategoryReader({ ...column, categories }, dialect)
  return (row) => {
    if (row.starts[field] === row.ends[field] && !dialect.missing.includes('')) {
      throw row.fault(field, 'ERR_DATA_LABEL_MISSING', `the label "${column.name}" is empty`)
    }
    const code = reader.read(row, field)
    if (code === -1) return Number.NaN
    return firstPositive === undefined ? code : Number(code >= firstPositive)
  }
}

interface Piece {
  readonly length: number
  [index: number]: number
  set(values: this, offset: number): void
  subarray(start: number, end: number): this
}

class Pieces<T extends Piece> {
  length = 0
  readonly #make: (length: number) => T
  readonly #full: T[] = []
  #last: T
  #filled = 0

  constructor(make: (length: number) => T) {
    this.#make = make
    this.#last = make(pieceLength)
  }

  push(value: number): void {
    if (this.#filled === pieceLength) {
      this.#full.push(this.#last)
      this.#last = this.#make(pieceLength)
      this.#filled = 0
    }
    this.#last[this.#filled++] = value
    this.length++
  }

  whole(): T {
    const whole = this.#make(this.length)
    for (const [i, piece] of this.#full.entries()) whole.set(piece, i * pieceLength)
    whole.set(this.#last.subarray(0, this.#filled), this.length - this.#filled)
    this.#full.length = 0
    return whole
  }
}
