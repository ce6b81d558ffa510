/** Readers of one column: a field's bytes, or its cell, become a number or a category's index, or a fault with its place. */

import type { CategoryColumn, NumberColumn } from '../../protocol/schema.ts'
import type { Cell, Place } from './cell.ts'
import type { Misfits } from './misfits.ts'
import type { Row } from './row.ts'
import type { Conversion } from './units.ts'

/** Decimal numbers as people write them; no hexadecimal, no `Infinity`. */
const decimalNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const powersOfTen = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** Below this many digits the digits and the power of ten are exact doubles, so that one division rounds correctly. */
const exactDigits = 15
const [minus, plus, zero, point, comma] = [45, 43, 48, 46, 44]
/** Distinct spellings of categories that are remembered; beyond them a field is looked up by its text. */
const rememberedSpellings = 4096

/** What a site's file says about one column, beside the plan. */
export interface Dialect {
  /** Codes that mean "missing": the plan's, the column's and the site's. */
  readonly missing: readonly string[]
  readonly decimal: '.' | ','
  readonly conversion?: Conversion
  /** The site's code -> the plan's code. */
  readonly codes?: Readonly<Record<string, string>>
  /** Takes what does not fit, in a survey; elsewhere that is thrown. */
  readonly misfits?: Misfits
}

/** A value that does not fit, and why. */
interface Refusal {
  readonly column: string
  readonly found: string
  readonly code: `ERR_${string}`
  readonly message: string
}

/** Throws, or notes it where a survey is made. */
function refuse({ misfits }: Dialect, place: Place, field: number, { column, found, code, message }: Refusal): void {
  const fault = () => place.fault(field, code, message)
  if (misfits === undefined) throw fault()
  misfits.note(column, found, code, fault)
}

/** Reads the fields of a number column, in the plan's unit. */
export class NumberReader {
  readonly #column: NumberColumn
  readonly #dialect: Dialect
  readonly #missing: MissingCodes
  readonly #point: number
  /** No code to look for and no conversion to do: a plain number that fits is the value. */
  readonly plainly: boolean
  readonly #integer: boolean
  readonly #low: number
  readonly #high: number

  constructor(column: NumberColumn, dialect: Dialect) {
    this.#column = column
    this.#dialect = dialect
    this.#missing = new MissingCodes(dialect.missing)
    this.#point = dialect.decimal === ',' ? comma : point
    this.plainly = this.#missing.numbers.length === 0 && dialect.conversion === undefined
    this.#integer = column.integer
    this.#low = column.range[0]
    this.#high = column.range[1]
  }

  /** @returns the value, NaN where missing. @throws InputError ERR_DATA_NUMBER, ERR_DATA_RANGE, ERR_DATA_INTEGER */
  read(row: Row, field: number): number {
    const start = row.starts[field]
    const end = row.ends[field]
    if (start === end && this.#missing.empty) return Number.NaN
    const plain = this.#plain(row.bytes, start, end)
    if (this.plainly && this.fits(plain)) return plain
    return this.#valueOf(Number.isNaN(plain) ? this.#fromText(row.text(field), row, field) : plain, row, field)
  }

  get emptyIsMissing(): boolean {
    return this.#missing.empty
  }

  /** Whether a plain number is in the range, and whole where it must be. */
  fits(value: number): boolean {
    return value >= this.#low && value <= this.#high && (!this.#integer || Number.isInteger(value))
  }

  /** A decimal number, NaN where the text is anything else. */
  plainText(text: string): number {
    return decimalNumber.test(text) ? Number(text) : Number.NaN
  }

  /** The same of a value that has a type. @throws InputError ERR_DATA_TYPE and those of `read` */
  readCell(cell: Cell | undefined, place: Place, field: number): number {
    if (cell === null) return Number.NaN
    if (typeof cell === 'number') return this.#valueOf(cell, place, field)
    if (typeof cell === 'string') return this.#valueOf(this.#fromText(cell, place, field), place, field)
    return this.#refuse(place, field, { code: 'ERR_DATA_TYPE', found: kindOf(cell), shown: kindOf(cell) })
  }

  #valueOf(recorded: number, place: Place, field: number): number {
    if (Number.isNaN(recorded) || this.#missing.numbers.includes(recorded)) return Number.NaN
    return this.#checked(recorded, place, field)
  }

  /** The common case without making text: a sign, digits and a decimal point. NaN where it is anything else. */
  #plain(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return Number.NaN
    const separator = this.#point
    const negative = bytes[start] === minus
    let i = negative || bytes[start] === plus ? start + 1 : start
    let digits = 0
    let mantissa = 0
    let pointAt = end
    for (; i < end; i++) {
      const digit = bytes[i] - zero
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit
        digits++
      } else if (bytes[i] === separator && pointAt === end) {
        pointAt = i
      } else {
        return Number.NaN
      }
    }
    if (digits === 0 || digits > exactDigits) return Number.NaN
    const value = pointAt === end ? mantissa : mantissa / powersOfTen[end - pointAt - 1]
    return negative ? -value : value
  }

  #fromText(text: string, place: Place, field: number): number {
    if (this.#missing.texts.has(text)) return Number.NaN
    const value = this.plainText(this.#dialect.decimal === ',' ? text.replace(',', '.') : text)
    if (Number.isFinite(value)) return value
    const hint = /^[+-]?\d+,\d+$/.test(text) ? '; for decimal commas set format.decimal to ","' : ''
    const found = text.slice(0, 80)
    const shown = `${text === '' ? 'an empty field' : JSON.stringify(found)}${hint}`
    return this.#refuse(place, field, { code: 'ERR_DATA_NUMBER', found, shown })
  }

  #checked(recorded: number, place: Place, field: number): number {
    const { range, integer, unit } = this.#column
    const converted = this.#dialect.conversion
    // Rounding away the last bits of a conversion keeps its exact values exact: 70 in is 177.8 cm, not 177.79999999999998.
    const value =
      converted === undefined
        ? recorded
        : Number((recorded * converted.factor + converted.offset).toPrecision(exactDigits))
    if (value >= range[0] && value <= range[1] && (!integer || Number.isInteger(value))) return value
    const shown = `${value}${unit === undefined ? '' : ` ${unit}`}${converted ? ` (recorded as ${recorded})` : ''}`
    const found = String(recorded)
    if (integer && !Number.isInteger(value))
      return this.#refuse(place, field, { code: 'ERR_DATA_INTEGER', expected: 'a whole number', found, shown })
    return this.#refuse(place, field, { code: 'ERR_DATA_RANGE', expected: `${range[0]} to ${range[1]}`, found, shown })
  }

  /** In a survey the value counts as missing. */
  #refuse(
    place: Place,
    field: number,
    {
      code,
      expected = 'a number',
      found,
      shown,
    }: Pick<Refusal, 'code' | 'found'> & { expected?: string; shown: string },
  ): number {
    const { name } = this.#column
    refuse(this.#dialect, place, field, {
      ...{ column: name, code, found },
      message: `"${name}": expected ${expected}, found ${shown}`,
    })
    return Number.NaN
  }
}

/** Reads the fields of a category column. */
export class CategoryReader {
  readonly #column: CategoryColumn
  readonly #dialect: Dialect
  readonly #missing: MissingCodes
  readonly #codes: Readonly<Record<string, string>>
  readonly #byText: ReadonlyMap<string, number>
  readonly #byNumber: ReadonlyMap<number, number>
  readonly #remembered = new Map<number, { readonly bytes: Uint8Array; readonly index: number }>()
  readonly #rememberedCells = new Map<Cell, number>()

  constructor(column: CategoryColumn, dialect: Dialect) {
    this.#column = column
    this.#dialect = dialect
    this.#missing = new MissingCodes(dialect.missing)
    this.#codes = dialect.codes ?? {}
    this.#byText = new Map(column.categories.map((code, i) => [code, i]))
    this.#byNumber = uniqueNumbers(column.categories)
  }

  /** @returns the index of the category, -1 where missing. @throws InputError ERR_DATA_CATEGORY */
  read(row: Row, field: number): number {
    if (row.escaped[field] === 1) return this.#fromText(row.text(field), row, field) ?? standIn
    const start = row.starts[field]
    const end = row.ends[field]
    const known = this.remembered(row.bytes, start, end)
    if (known !== undefined) return known
    const index = this.#fromText(row.text(field), row, field)
    if (index === undefined) return standIn
    const hash = fnv1a(row.bytes, start, end)
    if (!this.#remembered.has(hash) && this.#remembered.size < rememberedSpellings) {
      this.#remembered.set(hash, { bytes: row.bytes.slice(start, end), index })
    }
    return index
  }

  /** The index of a spelling that was read before. */
  remembered(bytes: Uint8Array, start: number, end: number): number | undefined {
    const known = this.#remembered.get(fnv1a(bytes, start, end))
    return known !== undefined && sameBytes(known.bytes, bytes, start, end) ? known.index : undefined
  }

  /** The same of a value that has a type. @throws InputError ERR_DATA_CATEGORY, ERR_DATA_TYPE */
  readCell(cell: Cell | undefined, place: Place, field: number): number {
    if (cell === null) return -1
    if (typeof cell !== 'string' && typeof cell !== 'number') {
      const [found, column] = [kindOf(cell), this.#column.name]
      const message = `"${column}": expected a code, found ${found}`
      refuse(this.#dialect, place, field, { column, found, code: 'ERR_DATA_TYPE', message })
      return standIn
    }
    const known = this.#rememberedCells.get(cell)
    if (known !== undefined) return known
    const index = this.#fromText(String(cell), place, field)
    if (index === undefined) return standIn
    if (this.#rememberedCells.size < rememberedSpellings) this.#rememberedCells.set(cell, index)
    return index
  }

  /** `undefined` where it is noted as a misfit. */
  #fromText(found: string, place: Place, field: number): number | undefined {
    const text = Object.hasOwn(this.#codes, found) ? this.#codes[found] : found
    const exact = this.#byText.get(text)
    if (exact !== undefined) return exact
    if (this.#missing.texts.has(text)) return -1
    if (decimalNumber.test(text)) {
      const same = this.#byNumber.get(Number(text))
      if (same !== undefined) return same
      if (this.#missing.numbers.includes(Number(text))) return -1
    }
    const { name, categories } = this.#column
    const expected = categories.slice(0, 12).map((code) => JSON.stringify(code))
    if (categories.length > expected.length) expected.push(`${categories.length - expected.length} more`)
    const message = `"${name}": expected one of ${expected.join(', ')}; found ${JSON.stringify(text.slice(0, 80))}`
    refuse(this.#dialect, place, field, { column: name, found: found.slice(0, 80), code: 'ERR_DATA_CATEGORY', message })
    return undefined
  }
}

/** What a survey reads on with, so that a row whose label does not fit is looked at in its other columns too. */
const standIn = 0

const kindOf = (cell: Uint8Array | undefined): string => (cell === undefined ? 'a list or a record' : 'bytes')

/** Codes that mean "missing", by text; those that are numbers also by value, so that `-9` covers `-9.0`. */
class MissingCodes {
  readonly texts: ReadonlySet<string>
  /** Whether an empty field is missing. */
  readonly empty: boolean
  readonly numbers: readonly number[]

  constructor(codes: readonly string[]) {
    this.texts = new Set(codes)
    this.empty = this.texts.has('')
    this.numbers = [...new Set(codes.filter((code) => decimalNumber.test(code)).map(Number))]
  }
}

/** Codes by value, where one code alone has it: `250` and `250.0` listed side by side are two codes, not one number. */
function uniqueNumbers(codes: readonly string[]): ReadonlyMap<number, number> {
  const byNumber = new Map<number, number>()
  const ambiguous = new Set<number>()
  for (const [index, code] of codes.entries()) {
    if (!decimalNumber.test(code)) continue
    if (byNumber.has(Number(code))) ambiguous.add(Number(code))
    byNumber.set(Number(code), index)
  }
  for (const number of ambiguous) byNumber.delete(number)
  return byNumber
}

/** Fowler, Noll and Vo's hash of a field's bytes. */
function fnv1a(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  return hash
}

function sameBytes(expected: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (expected.length !== end - start) return false
  for (let i = 0; i < expected.length; i++) if (expected[i] !== bytes[start + i]) return false
  return true
}
