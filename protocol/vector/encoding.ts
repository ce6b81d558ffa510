/** Fixed-point encoding: lanes of real numbers become one vector over a ring, and the ring's sum becomes sums of lanes. */

import type { Lane, Lanes, SumRequest } from '../algorithm.ts'
import type { RingVector } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'
import type { Stream } from '../stream.ts'

/** The largest integer magnitude at one site for which float64 arithmetic is exact. */
const exactBits = 52

export const vectorLength = (request: SumRequest): number => request.lanes.reduce((sum, lane) => sum + lane.length, 0)

export const zeroVector = (request: SumRequest): RingVector =>
  request.bits === 64 ? new BigInt64Array(vectorLength(request)) : new Int32Array(vectorLength(request))

/**
 * Integer units per 1.0 of a lane: the largest power of two for which `sites` contributions cannot leave the ring,
 * sites * (scale * bound + 1) < 2^(bits-1). Whole numbers keep 1.
 * @throws ProtocolError ERR_ENCODING when even that overflows.
 */
export function scaleOf(lane: Lane, bits: SumRequest['bits'], sites: number): number {
  const room = (2 ** (bits - 1) - 1) / sites - 1
  const largest = Math.min(room, 2 ** exactBits) / lane.bound
  const scale = lane.kind === 'integer' ? 1 : 2 ** Math.floor(Math.log2(largest))
  if (!(scale > 0) || scale > largest) {
    throw new ProtocolError(
      'ERR_ENCODING',
      `lane ${lane.name}: ${sites} contributions of up to ${lane.bound} do not fit ${bits} bits`,
    )
  }
  return scale
}

/** Stochastic rounding floor(s v + u): unbiased; the coins are public and reproducible. @throws ProtocolError ERR_ENCODING. */
export function encode(
  lanes: Lanes,
  request: SumRequest,
  { sites, coins }: { readonly sites: number; readonly coins: Stream },
): RingVector {
  const vector = zeroVector(request)
  let at = 0
  for (const lane of request.lanes) {
    const values = lanes[lane.name]
    if (values?.length !== lane.length) {
      throw new ProtocolError(
        'ERR_ENCODING',
        `lane ${lane.name}: expected ${lane.length} numbers, found ${values?.length ?? 'none'}`,
      )
    }
    const scale = scaleOf(lane, request.bits, sites)
    for (let i = 0; i < values.length; i++, at++) {
      const value = values[i]
      if (!(Math.abs(value) <= lane.bound)) {
        throw new ProtocolError(
          'ERR_ENCODING',
          `lane ${lane.name}: expected a number within ±${lane.bound} at ${i}, found ${value}`,
        )
      }
      const units = lane.kind === 'integer' ? Math.round(value) : Math.floor(scale * value + coins.uniform())
      if (vector instanceof Int32Array) vector[at] = units
      else vector[at] = BigInt(units)
    }
  }
  return vector
}

/** Sums by lane from the ring's exact sum. */
export function decode(sum: RingVector, request: SumRequest, sites: number): Lanes {
  let at = 0
  const lanes: [string, Float64Array][] = request.lanes.map((lane) => {
    const scale = scaleOf(lane, request.bits, sites)
    const values = Float64Array.from({ length: lane.length }, (_, i) => Number(sum[at + i]) / scale)
    at += lane.length
    return [lane.name, values]
  })
  return Object.fromEntries(lanes)
}

/** Little-endian words on the wire. */
export const packVector = (vector: RingVector): Uint8Array =>
  new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)

/** @throws ProtocolError ERR_VECTOR_LENGTH. */
export function unpackVector(bytes: Uint8Array, request: SumRequest): RingVector {
  const vector = zeroVector(request)
  if (bytes.length !== vector.byteLength) {
    throw new ProtocolError('ERR_VECTOR_LENGTH', `expected ${vector.byteLength} bytes, found ${bytes.length}`)
  }
  packVector(vector).set(bytes)
  return vector
}
