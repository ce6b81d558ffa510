/**
 * The common record read in one pass over its bytes: plain numbers, known codes, no quotes. Whatever is anything else is
 * left to the parser and the readers, which alone know what a record means and what is wrong with it.
 */

import type { CategoryReader, NumberReader } from './cells.ts'
import type { TableBuilder } from './table-builder.ts'

/** Rows that are gathered before they go to the columns. */
const batch = 512
const [tab, lineFeed, carriageReturn, space, quote, plus, minus, zero, point] = [9, 10, 13, 32, 34, 43, 45, 48, 46]
/** Digits whose number has room in 31 bits. */
const exactInInt = 9
const powersOfTen = Float64Array.from({ length: exactInInt + 1 }, (_, i) => 10 ** i)
/** Bytes of the longest number that is read here. */
const longestNumber = 64

/** What reads a field of the file; a field that the plan ignores has neither. */
interface Field {
  readonly number?: NumberReader
  readonly category?: CategoryReader
}

const [ignored, number, category] = [0, 1, 2]

export class PlainRecords {
  readonly #builder: TableBuilder
  readonly #delimiter: number
  readonly #point: number
  readonly #fields: readonly Field[]
  readonly #kinds: Uint8Array
  /** 1 for bytes that end a field or leave it to the parser. */
  readonly #stops = new Uint8Array(256)
  /** Field after field, `batch` values each. */
  readonly #values: Float64Array
  #rows = 0

  private constructor(builder: TableBuilder, fields: readonly Field[], signs: readonly [number, number]) {
    this.#builder = builder
    this.#fields = fields
    this.#kinds = Uint8Array.from(fields, (field) => (field.number ? number : field.category ? category : ignored))
    ;[this.#delimiter, this.#point] = signs
    this.#values = new Float64Array(fields.length * batch)
    for (const stop of [this.#delimiter, lineFeed, carriageReturn, quote]) this.#stops[stop] = 1
  }

  /** @returns undefined where no record of this table can be read plainly. */
  static of(builder: TableBuilder, delimiter: string, decimal: string): PlainRecords | undefined {
    const fields: Field[] = Array.from({ length: builder.fields }, () => ({}))
    for (const column of builder.readers()) {
      if (column === undefined || column.number?.plainly === false) return undefined
      fields[column.field] = column
    }
    if (delimiter === ' ' || delimiter === decimal) return undefined
    return new PlainRecords(builder, fields, [delimiter.charCodeAt(0), decimal.charCodeAt(0)])
  }

  /** Reads the record at `start`; a line feed stands somewhere behind it. @returns where the next begins, or -1: not plain. */
  record(bytes: Uint8Array, start: number): number {
    // A blank line is no record, and which lines are blank is the parser's business.
    if (bytes[start] === lineFeed || bytes[start] === carriageReturn) return -1
    const kinds = this.#kinds
    const last = kinds.length - 1
    let slot = this.#rows
    let at = start
    for (let i = 0; i <= last; i++) {
      if (kinds[i] === number) at = this.#number(bytes, at, i, slot)
      else if (kinds[i] === category) at = this.#category(bytes, at, i, slot)
      else at = this.#text(bytes, at)
      if (at < 0) return -1
      if (i < last && bytes[at++] !== this.#delimiter) return -1
      slot += batch
    }
    if (bytes[at] === carriageReturn) at++
    if (bytes[at] !== lineFeed) return -1
    if (this.#builder.keeps(this.#values, batch, this.#rows)) this.#rows++
    if (this.#rows === batch) this.flush()
    return at + 1
  }

  /** Hands on what was gathered; before the builder is given anything else, and before it is asked for a table. */
  flush(): void {
    if (this.#rows > 0) this.#builder.addPlain(this.#values, batch, this.#rows)
    this.#rows = 0
  }

  /** A sign, digits, a point, digits, up to the field's end. @returns the end, or -1. */
  #number(bytes: Uint8Array, start: number, field: number, slot: number): number {
    let at = start
    const sign = bytes[at]
    if (sign === minus || sign === plus) at++
    const first = at
    let mantissa = 0
    let digit = bytes[at] - zero
    for (; digit >>> 0 <= 9; digit = bytes[++at] - zero) mantissa = (Math.imul(mantissa, 10) + digit) | 0
    let digits = at - first
    let places = 0
    if (bytes[at] === this.#point) {
      const pointAt = at
      digit = bytes[++at] - zero
      for (; digit >>> 0 <= 9; digit = bytes[++at] - zero) mantissa = (Math.imul(mantissa, 10) + digit) | 0
      places = at - pointAt - 1
      digits += places
    }
    const { number: reader } = this.#fields[field]
    if (digits > exactInInt) return this.#longNumber(bytes, start, field, slot)
    if (digits === 0) {
      if (at !== start || !reader?.emptyIsMissing) return -1
      this.#values[slot] = Number.NaN
      return at
    }
    const size = places === 0 ? mantissa : mantissa / powersOfTen[places]
    const value = sign === minus ? -size : size
    if (!reader?.fits(value)) return -1
    this.#values[slot] = value
    return at
  }

  /** More digits than fit: JavaScript's own reading of them. */
  #longNumber(bytes: Uint8Array, start: number, field: number, slot: number): number {
    const { number: reader } = this.#fields[field]
    const end = this.#text(bytes, start)
    if (end < 0 || end - start > longestNumber || !reader) return -1
    let text = ''
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] === this.#point ? point : bytes[at])
    const value = reader.plainText(text)
    if (!reader.fits(value)) return -1
    this.#values[slot] = value
    return end
  }

  #category(bytes: Uint8Array, start: number, field: number, slot: number): number {
    const end = this.#text(bytes, start)
    const code = end < 0 ? undefined : this.#fields[field].category?.remembered(bytes, start, end)
    if (code === undefined) return -1
    this.#values[slot] = code
    return end
  }

  /** @returns the end of a field without quotes and blanks around it, or -1. */
  #text(bytes: Uint8Array, start: number): number {
    const stops = this.#stops
    let at = start
    while (stops[bytes[at]] === 0) at++
    if (bytes[at] === quote || (at > start && (isBlank(bytes[start]) || isBlank(bytes[at - 1])))) return -1
    return at
  }
}

const isBlank = (byte: number): boolean => byte === space || byte === tab
