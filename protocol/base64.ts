/** Base64 (RFC 4648, section 4), for numbers inside JSON files. */

import { InputError } from './errors.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const values = new Map([...alphabet].map((letter, value) => [letter.charCodeAt(0), value]))
/** Letters are joined piece by piece: one string a letter would be slow, one call for all of them too long. */
const pieceBytes = 3 * 2048

export function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = []
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    pieces.push(encodePiece(bytes.subarray(start, start + pieceBytes)))
  }
  return pieces.join('')
}

/** @throws InputError ERR_BASE64 */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  if (text.length % 4 !== 0) throw fault(`a multiple of four letters, found ${text.length}`)
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let filled = 0
  let bits = 0
  for (let i = 0; i < text.length - padding; i++) {
    const value = values.get(text.charCodeAt(i))
    if (value === undefined) throw fault(`letters of base64, found ${JSON.stringify(text[i])} at ${i}`)
    bits = (bits << 6) | value
    if (i % 4 > 0) bytes[filled++] = bits >>> (2 * (3 - (i % 4)))
  }
  return bytes
}

function encodePiece(bytes: Uint8Array): string {
  const codes: number[] = []
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(i, i + 3)
    codes.push(a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63)
  }
  const padding = (3 - (bytes.length % 3)) % 3
  const letters = codes.slice(0, codes.length - padding).map((code) => alphabet.charCodeAt(code))
  return String.fromCharCode(...letters) + '='.repeat(padding)
}

const fault = (expected: string): InputError => new InputError('ERR_BASE64', `expected ${expected}`)
