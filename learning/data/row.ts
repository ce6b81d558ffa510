/** One record of a text file: its fields as ranges of bytes, read in place, with the place in the file for messages. */

import { readableText, utf8, utf8Text } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'

const newline = 10

/** Reused from record to record by the parser that fills it: nothing may be kept of it but values. */
export class Row {
  /** The name of the file, for messages. */
  readonly source: string
  bytes: Uint8Array = new Uint8Array(0)
  fields = 0
  starts = new Int32Array(64)
  ends = new Int32Array(64)
  /** 1 where the field is quoted and holds doubled quotes. */
  escaped = new Uint8Array(64)
  /** Where the record begins: its line, counted from 1, and its first byte. */
  line = 1
  start = 0

  constructor(source: string) {
    this.source = source
  }

  /** Adds a field; the ranges grow by doubling. */
  push(start: number, end: number, escaped: boolean): void {
    if (this.fields === this.starts.length) this.#grow()
    this.starts[this.fields] = start
    this.ends[this.fields] = end
    this.escaped[this.fields] = escaped ? 1 : 0
    this.fields++
  }

  /** Takes the fields of a source that has text already. */
  fill(cells: readonly string[], line: number): this {
    const parts = cells.map(utf8)
    this.bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    this.fields = 0
    this.line = line
    this.start = 0
    let offset = 0
    for (const part of parts) {
      this.bytes.set(part, offset)
      this.push(offset, offset + part.length, false)
      offset += part.length
    }
    return this
  }

  /** @throws InputError ERR_DATA_ENCODING where the bytes are not UTF-8. */
  text(field: number): string {
    const bytes = this.bytes.subarray(this.starts[field], this.ends[field])
    const text = utf8Text(bytes)
    if (text === undefined) {
      const shown = JSON.stringify(readableText(bytes.subarray(0, 80)))
      throw this.fault(field, 'ERR_DATA_ENCODING', `expected UTF-8 text, found ${shown}; save the file as UTF-8`)
    }
    return this.escaped[field] === 1 ? text.replaceAll('""', '"') : text
  }

  fault(field: number, code: `ERR_${string}`, message: string): InputError {
    return new InputError(code, message, this.where(field))
  }

  /** `file:line:column`, the column in characters, as editors count them. */
  where(field: number): string {
    const offset = field < this.fields ? this.starts[field] : this.start
    let line = this.line
    let lineStart = this.start
    for (let i = this.start; i < offset; i++) {
      if (this.bytes[i] === newline) {
        line++
        lineStart = i + 1
      }
    }
    const column = readableText(this.bytes.subarray(lineStart, offset)).length + 1
    return `${this.source}:${line}:${column}`
  }

  #grow(): void {
    const size = 2 * this.starts.length
    const { starts, ends, escaped } = this
    this.starts = new Int32Array(size)
    this.ends = new Int32Array(size)
    this.escaped = new Uint8Array(size)
    this.starts.set(starts)
    this.ends.set(ends)
    this.escaped.set(escaped)
  }
}
