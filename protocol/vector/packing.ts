/** Packing: words of a ring become as many bits on the wire as their lane needs, value i in bits [i b, (i + 1) b), little-endian. */

import type { Lane, SumRequest } from '../algorithm.ts'
import type { RingVector } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'

export const vectorLength = (request: SumRequest): number => request.lanes.reduce((sum, lane) => sum + lane.length, 0)

export const zeroVector = (request: SumRequest): RingVector =>
  request.bits === 64 ? new BigInt64Array(vectorLength(request)) : new Int32Array(vectorLength(request))

/** Bits of one coordinate of a lane, in the ring and on the wire: those of the request, or the fewer of the lane. */
export const laneBits = (lane: Lane, request: Pick<SumRequest, 'bits'>): number =>
  request.bits === 32 ? (lane.bits ?? 32) : 64

const laneBytes = (lane: Lane, request: SumRequest): number => Math.ceil((lane.length * laneBits(lane, request)) / 8)

/** Bytes of a vector on the wire; each lane begins at a byte of its own. */
export const packedLength = (request: SumRequest): number =>
  request.lanes.reduce((sum, lane) => sum + laneBytes(lane, request), 0)

/** Whether the words themselves are the bytes of the wire. */
const isWhole = (request: SumRequest): boolean =>
  request.lanes.every((lane) => laneBits(lane, request) === request.bits)

/** A view of the vector's own memory where nothing is packed, new bytes where a lane is. */
export function packVector(vector: RingVector, request: SumRequest): Uint8Array {
  if (vector instanceof BigInt64Array || isWhole(request)) return bytesOf(vector)
  const bytes = new Uint8Array(packedLength(request))
  let word = 0
  let byte = 0
  for (const lane of request.lanes) {
    const packed = bytes.subarray(byte, byte + laneBytes(lane, request))
    packBits(vector.subarray(word, word + lane.length), laneBits(lane, request), packed)
    word += lane.length
    byte += packed.length
  }
  return bytes
}

/** To be read only: where nothing is packed, the vector may be the bytes themselves. @throws ProtocolError ERR_VECTOR_LENGTH. */
export function unpackVector(bytes: Uint8Array, request: SumRequest): RingVector {
  const expected = packedLength(request)
  if (bytes.length !== expected)
    throw new ProtocolError('ERR_VECTOR_LENGTH', `expected ${expected} bytes, found ${bytes.length}`)
  if (isWhole(request) && bytes.byteOffset % 8 === 0) {
    return request.bits === 64
      ? new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
      : new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  }
  const vector = zeroVector(request)
  if (vector instanceof BigInt64Array || isWhole(request)) {
    bytesOf(vector).set(bytes)
    return vector
  }
  let word = 0
  let byte = 0
  for (const lane of request.lanes) {
    const packed = bytes.subarray(byte, byte + laneBytes(lane, request))
    unpackBits(packed, laneBits(lane, request), vector.subarray(word, word + lane.length))
    word += lane.length
    byte += packed.length
  }
  return vector
}

const bytesOf = (vector: RingVector): Uint8Array => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)

/** The lowest `bits` of every word, 8 to 32 of them. */
export function packBits(words: Int32Array, bits: number, to: Uint8Array): void {
  if (bits === 32) to.set(bytesOf(words))
  else if (bits === 16 && to.byteOffset % 2 === 0) new Int16Array(to.buffer, to.byteOffset, words.length).set(words)
  else packLoosely(words, bits, to)
}

function packLoosely(words: Int32Array, bits: number, to: Uint8Array): void {
  const mask = 2 ** bits - 1
  // At most 7 bits wait for their byte when the next 24 come: 31 in all, one word.
  let waiting = 0
  let filled = 0
  let at = 0
  for (let i = 0; i < words.length; i++) {
    waiting |= (words[i] & mask) << filled
    for (filled += bits; filled >= 8; filled -= 8) {
      to[at++] = waiting
      waiting >>>= 8
    }
  }
  if (filled > 0) to[at] = waiting
}

/** Words as residues in -2^(bits-1) … 2^(bits-1) - 1. */
export function unpackBits(from: Uint8Array, bits: number, words: Int32Array): void {
  if (bits === 32) bytesOf(words).set(from)
  else if (bits === 16 && from.byteOffset % 2 === 0)
    words.set(new Int16Array(from.buffer, from.byteOffset, words.length))
  else unpackLoosely(from, bits, words)
}

function unpackLoosely(from: Uint8Array, bits: number, words: Int32Array): void {
  let waiting = 0
  let filled = 0
  let at = 0
  for (let i = 0; i < words.length; i++) {
    for (; filled < bits; filled += 8) waiting |= from[at++] << filled
    words[i] = centred(waiting, bits)
    waiting >>>= bits
    filled -= bits
  }
}

/** The residue of a word modulo 2^bits that lies around zero. */
export const centred = (word: number, bits: number): number => (word << (32 - bits)) >> (32 - bits)
