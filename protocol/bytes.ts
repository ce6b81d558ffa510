/** Bytes: fixed big-endian layouts written and read with every length bounded before anything is allocated. */

import { ProtocolError } from './errors.ts'

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true })

const lossyDecoder = new TextDecoder('utf-8')

export const utf8 = (text: string): Uint8Array => utf8Encoder.encode(text)

/** The text of UTF-8 bytes, or `undefined` where they are no UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Text to show to a person, whatever the bytes: what is no UTF-8 becomes a replacement character. */
export const readableText = (bytes: Uint8Array): string => lossyDecoder.decode(bytes)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Equality of public bytes (hashes, keys); not constant time, so never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) {
    throw new ProtocolError(
      'ERR_HEX',
      `expected pairs of hexadecimal digits, found ${JSON.stringify(hex.slice(0, 80))}`,
    )
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

/** Appends fields to a growing buffer; integers are big-endian. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #length = 0

  /** Who knows how long it gets spares the copies of growing. */
  constructor(length = 128) {
    this.#bytes = new Uint8Array(length)
    this.#view = new DataView(this.#bytes.buffer)
  }

  uint8(value: number): this {
    // After growing, because the view may be another then.
    const at = this.#grow(1)
    this.#view.setUint8(at, value)
    return this
  }

  uint16(value: number): this {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
    return this
  }

  uint32(value: number): this {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
    return this
  }

  /** A safe integer, 0 to 2^53 - 1, in eight bytes. */
  uint64(value: number): this {
    const at = this.#grow(8)
    this.#view.setBigUint64(at, BigInt(value))
    return this
  }

  /** Bytes whose length both ends know. */
  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** Bytes behind their length in four bytes. */
  bytes(bytes: Uint8Array): this {
    return this.uint32(bytes.length).raw(bytes)
  }

  /** `length` bytes, behind their length in four, which `fill` sets. */
  filled(length: number, fill: (view: DataView) => void): this {
    this.uint32(length)
    const at = this.#grow(length)
    fill(new DataView(this.#bytes.buffer, at, length))
    return this
  }

  text(text: string): this {
    return this.bytes(utf8(text))
  }

  /** A list behind its length in four bytes. */
  list<T>(items: readonly T[], write: (item: T, writer: Writer) => void): this {
    this.uint32(items.length)
    for (const item of items) write(item, this)
    return this
  }

  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length)
  }

  /** Where the next `more` bytes go. */
  #grow(more: number): number {
    const at = this.#length
    this.#length += more
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

/** Reads what `Writer` wrote; anything else is a `ProtocolError` that names the field. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  uint8(field: string, { max = 0xff } = {}): number {
    return this.#bounded(field, this.#view.getUint8(this.#take(field, 1)), max)
  }

  uint16(field: string, { max = 0xffff } = {}): number {
    return this.#bounded(field, this.#view.getUint16(this.#take(field, 2)), max)
  }

  uint32(field: string, { max = 0xffffffff } = {}): number {
    return this.#bounded(field, this.#view.getUint32(this.#take(field, 4)), max)
  }

  uint64(field: string, { max = Number.MAX_SAFE_INTEGER } = {}): number {
    return this.#bounded(field, Number(this.#view.getBigUint64(this.#take(field, 8))), max)
  }

  /** A copy, so that what is kept does not hold the whole frame alive. */
  raw(field: string, length: number): Uint8Array {
    const start = this.#take(field, length)
    return this.#bytes.slice(start, start + length)
  }

  bytes(field: string, { max }: { readonly max: number }): Uint8Array {
    return this.raw(field, this.uint32(`${field} length`, { max }))
  }

  text(field: string, { max }: { readonly max: number }): string {
    const bytes = this.bytes(field, { max })
    try {
      return utf8Decoder.decode(bytes)
    } catch {
      throw new ProtocolError('ERR_FRAME', `${field}: expected UTF-8 text`)
    }
  }

  list<T>(field: string, { max }: { readonly max: number }, read: (reader: Reader, index: number) => T): T[] {
    const count = this.uint32(`${field} count`, { max })
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(this, i))
    return items
  }

  /** Every byte must have been read: what is left over was not understood. */
  end(): void {
    if (this.remaining > 0)
      throw new ProtocolError('ERR_FRAME', `${this.remaining} bytes are left after the last field`)
  }

  #take(field: string, length: number): number {
    if (length > this.remaining) {
      throw new ProtocolError('ERR_FRAME', `${field}: needs ${length} bytes, ${this.remaining} are left`)
    }
    const start = this.#offset
    this.#offset += length
    return start
  }

  #bounded(field: string, value: number, max: number): number {
    if (value > max) throw new ProtocolError('ERR_FRAME', `${field}: at most ${max}, found ${value}`)
    return value
  }
}
