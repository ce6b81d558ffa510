/**
 * Delimited text, parsed from bytes as they arrive: RFC 4180 with any of five delimiters, any line end, and quotes.
 * Fields are found in place and never become strings here: that is what lets a million rows stream at disk speed.
 */

import { InputError } from '../../protocol/errors.ts'
import type { FileFormat } from '../../protocol/schema.ts'
import { Row } from './row.ts'

/** A record must fit in memory whole; a longer one is nearly always a quote that was never closed. */
export const maxRecordBytes = 4 * 1024 * 1024

const [tab, lineFeed, carriageReturn, space, quote] = [9, 10, 13, 32, 34]

/** Reads the usual record faster than the parser; what it does not read the parser does. */
export interface Shortcut {
  /** `bytes` holds a line feed behind `start`. @returns where the next record begins, or -1. */
  record(bytes: Uint8Array, start: number): number
}

export class CsvParser {
  shortcut: Shortcut | undefined
  readonly #row: Row
  readonly #take: (row: Row) => void
  readonly #delimiter: number
  /** A delimiter of spaces: a run counts once, and spaces around a record do not count. */
  readonly #runs: boolean
  /** 1 for the bytes that end a field: one look-up a byte where three comparisons would stand. */
  readonly #stops = new Uint8Array(256)
  #rest: Uint8Array = new Uint8Array(0)
  #joined: Uint8Array = new Uint8Array(0)
  #started = false

  /** `take` sees one record at a time, in a `Row` that is used again for the next. */
  constructor(source: string, delimiter: FileFormat['delimiter'], take: (row: Row) => void) {
    this.#row = new Row(source)
    this.#take = take
    this.#delimiter = delimiter.charCodeAt(0)
    this.#runs = delimiter === ' '
    for (const stop of [this.#delimiter, lineFeed, carriageReturn]) this.#stops[stop] = 1
  }

  push(chunk: Uint8Array): void {
    this.#parse(chunk, false)
  }

  /** The end of the file: a last record needs no line end. */
  end(): void {
    this.#parse(new Uint8Array(0), true)
  }

  #parse(chunk: Uint8Array, final: boolean): void {
    const bytes = this.#rest.length === 0 ? chunk : this.#behindRest(chunk)
    let at = this.#started ? 0 : this.#startOfText(bytes, final)
    const lastLine = bytes.lastIndexOf(lineFeed)
    while (at >= 0 && at < bytes.length) {
      const after = at <= lastLine && this.shortcut ? this.shortcut.record(bytes, at) : -1
      if (after >= 0) {
        at = after
        this.#row.line++
        continue
      }
      const next = this.#record(bytes, at, final)
      if (next < 0) break
      at = next
    }
    // A copy, so that a few bytes left over do not hold a whole chunk alive.
    this.#rest = bytes.slice(Math.max(at, 0))
    if (this.#rest.length > maxRecordBytes) {
      throw this.#fault('ERR_CSV_RECORD', `a record of more than ${maxRecordBytes} bytes: is a quote left open here?`)
    }
  }

  /** What was left over and the next piece, in a buffer that is used again: a new one a piece would be a lot to collect. */
  #behindRest(chunk: Uint8Array): Uint8Array {
    const length = this.#rest.length + chunk.length
    if (this.#joined.length < length) this.#joined = new Uint8Array(2 * length)
    this.#joined.set(this.#rest)
    this.#joined.set(chunk, this.#rest.length)
    return this.#joined.subarray(0, length)
  }

  /** Where the text begins behind a byte order mark; -1 while too little has come to tell. */
  #startOfText(bytes: Uint8Array, final: boolean): number {
    if (bytes.length < 3 && !final) return -1
    this.#started = true
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      throw this.#fault('ERR_DATA_ENCODING', 'expected UTF-8 text, found UTF-16; save the file as UTF-8')
    }
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }

  /** Finds the fields of the record at `start`. @returns where the next begins, or -1 where this one is not yet whole. */
  #record(bytes: Uint8Array, start: number, final: boolean): number {
    const row = this.#row
    row.bytes = bytes
    row.start = start
    row.fields = 0
    let lines = 1
    let at = start
    for (;;) {
      if (this.#runs) while (at < bytes.length && bytes[at] === space) at++
      let end = at
      if (at < bytes.length && bytes[at] === quote) {
        const closing = this.#closingQuote(bytes, at, final)
        if (closing < 0) return -1
        lines += lineFeeds(bytes, at, closing)
        end = this.#afterQuote(bytes, closing + 1)
      } else {
        end = this.#unquoted(bytes, at)
      }
      if (end >= bytes.length && !final) return -1
      if (end < bytes.length && bytes[end] === this.#delimiter) {
        at = end + 1
        continue
      }
      const next = this.#afterLine(bytes, end, final)
      if (next >= 0) this.#finish(lines)
      return next
    }
  }

  /** Adds a field without quotes, without the blanks around it. @returns its end: a delimiter, a line end or the end. */
  #unquoted(bytes: Uint8Array, from: number): number {
    const stops = this.#stops
    const length = bytes.length
    let to = from
    while (to < length && stops[bytes[to]] === 0) to++
    let start = from
    let end = to
    while (start < end && isBlank(bytes[start])) start++
    while (end > start && isBlank(bytes[end - 1])) end--
    this.#row.push(start, end, false)
    return to
  }

  /** Adds a quoted field. @returns its closing quote, or -1 where it has not yet come. */
  #closingQuote(bytes: Uint8Array, open: number, final: boolean): number {
    let escaped = false
    for (let i = open + 1; i < bytes.length; i++) {
      if (bytes[i] !== quote) continue
      if (bytes[i + 1] === quote) {
        escaped = true
        i++
        continue
      }
      if (i + 1 === bytes.length && !final) return -1
      this.#row.push(open + 1, i, escaped)
      return i
    }
    if (!final) return -1
    this.#row.push(open, open, false)
    throw this.#row.fault(this.#row.fields - 1, 'ERR_CSV_QUOTE', 'a quote is opened here and never closed')
  }

  /** Blanks may stand between a closing quote and the delimiter; nothing else may. */
  #afterQuote(bytes: Uint8Array, from: number): number {
    let at = from
    while (at < bytes.length && this.#stops[bytes[at]] === 0 && isBlank(bytes[at])) at++
    if (at >= bytes.length || this.#stops[bytes[at]] === 1) return at
    const message = 'expected a delimiter behind the closing quote; write a quote inside a quoted field twice'
    throw this.#row.fault(this.#row.fields - 1, 'ERR_CSV_QUOTE', message)
  }

  /** Behind LF, CR LF or a lone CR; -1 where a CR is the last byte yet. */
  #afterLine(bytes: Uint8Array, end: number, final: boolean): number {
    if (end >= bytes.length || bytes[end] === lineFeed) return end + 1
    if (end + 1 === bytes.length && !final) return -1
    return bytes[end + 1] === lineFeed ? end + 2 : end + 1
  }

  /** Hands the record on, unless its line is blank. */
  #finish(lines: number): void {
    const row = this.#row
    // A space before the line's end opens a field that is none.
    if (this.#runs && row.fields > 1 && isNothing(row, row.fields - 1)) row.fields--
    if (row.fields > 1 || !isNothing(row, 0)) this.#take(row)
    row.line += lines
  }

  #fault(code: `ERR_${string}`, message: string): InputError {
    return new InputError(code, message, `${this.#row.source}:${this.#row.line}`)
  }
}

const isBlank = (byte: number): boolean => byte === space || byte === tab

function lineFeeds(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) if (bytes[i] === lineFeed) count++
  return count
}

/** Nothing, and no quotes around it: an empty field in quotes begins at its closing quote. */
const isNothing = (row: Row, field: number): boolean =>
  row.starts[field] === row.ends[field] && row.bytes[row.starts[field]] !== quote
