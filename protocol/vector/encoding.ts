/** Fixed-point encoding: lanes of real numbers become one vector over a ring, and the ring's sum becomes sums of lanes. */

import type { Lane, Lanes, SumRequest } from '../algorithm.ts'
import type { RingVector } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'
import { Stream } from '../stream.ts'
import { centred, laneBits, zeroVector } from './packing.ts'
import { rotate, rotateBack, rotationBlock } from './rotation.ts'

/** The largest integer magnitude at one site for which float64 arithmetic is exact. */
const exactBits = 52

/** Rings of fewer bits are too coarse for a coordinate that may be as large as the whole norm: their lanes are rotated. */
const fewestPlainBits = 24

/**
 * Standard deviations of a rotated coordinate that the ring holds; what lies beyond saturates. The signs are independent,
 * so a coordinate exceeds this with probability at most 2 exp(-5^2 / 2) = 7.5e-6 (Hoeffding), and then by little.
 */
const rotatedDeviations = 5

/** Where rotation makes the coordinates smaller than their bound: in short lanes it does not. */
export const isRotated = (lane: Lane, bits: number): boolean =>
  bits < fewestPlainBits && lane.kind === 'real' && rotatedBound(lane) < lane.bound

/** What a rotated coordinate saturates at, and on top the room that a mechanism has asked for beyond the norm. */
const rotatedBound = (lane: Lane): number => saturation(lane) + Math.max(0, lane.bound - normOf(lane))

const saturation = (lane: Lane): number => (rotatedDeviations * normOf(lane)) / Math.sqrt(rotationBlock(lane.length))

/** A lane without a promised norm has the one that its bound allows. */
const normOf = (lane: Lane): number => lane.l2 ?? lane.bound * Math.sqrt(lane.length)

/** The largest magnitude that one site adds to a coordinate, noise included, before it is scaled. */
const coordinateBound = (lane: Lane, bits: number): number => (isRotated(lane, bits) ? rotatedBound(lane) : lane.bound)

/**
 * Integer units per 1.0 of a coordinate as it is encoded: the scale that a mechanism has fixed, or the largest power of
 * two for which the sum of `sites` contributions stays in the ring. Whole numbers keep 1.
 *
 * No overflow: every encoded coordinate is at most B in magnitude, by a check or because it saturates, so stochastic
 * rounding makes at most s B + 1 of it, and the sum with the room for noise is at most
 * n (s B + 1) + room <= 2^(bits-1) - 1: the residue around zero is the sum itself.
 * @throws ProtocolError ERR_ENCODING when even that overflows.
 */
export function scaleOf(lane: Lane, request: Pick<SumRequest, 'bits'>, sites: number): number {
  const bits = laneBits(lane, request)
  const room = (2 ** (bits - 1) - 1 - (lane.room ?? 0)) / sites - 1
  const largest = Math.min(room, 2 ** exactBits) / coordinateBound(lane, bits)
  const scale = lane.kind === 'integer' ? 1 : (lane.scale ?? 2 ** Math.floor(Math.log2(largest)))
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
  const units = new Float64Array(block)
  let at = 0
  for (const lane of request.lanes) {
    const values = checked(lanes[lane.name], lane)
    const scale = scaleOf(lane, request, sites)
    const encoded = isRotated(lane, laneBits(lane, request)) ? rotated(values, lane, request) : values
    for (let from = 0; from < encoded.length; from += block) {
      const some = units.subarray(0, Math.min(block, encoded.length - from))
      if (lane.kind === 'integer') wholeUnits(some, encoded, from)
      else roundedUnits(some, encoded, { from, scale, coins })
      if (vector instanceof Int32Array) vector.set(some, at + from)
      else for (let i = 0; i < some.length; i++) vector[at + from + i] = BigInt(some[i])
    }
    at += encoded.length
  }
  return vector
}

/** Numbers at a time: their units stay in the cache of a core. */
const block = 1024

function wholeUnits(units: Float64Array, values: Lanes[string], from: number): void {
  for (let i = 0; i < units.length; i++) units[i] = Math.round(values[from + i])
}

interface Rounding {
  readonly from: number
  readonly scale: number
  readonly coins: Stream
}

function roundedUnits(units: Float64Array, values: Lanes[string], { from, scale, coins }: Rounding): void {
  coins.uniforms(units)
  for (let i = 0; i < units.length; i++) units[i] = Math.floor(scale * values[from + i] + units[i])
}

/** Sums by lane from the ring's exact sum. */
export function decode(sum: RingVector, request: SumRequest, sites: number): Lanes {
  let at = 0
  const lanes: [string, Float64Array][] = request.lanes.map((lane) => {
    const scale = scaleOf(lane, request, sites)
    const bits = laneBits(lane, request)
    const values = new Float64Array(lane.length)
    if (sum instanceof Int32Array)
      for (let i = 0; i < values.length; i++) values[i] = centred(sum[at + i], bits) / scale
    else for (let i = 0; i < values.length; i++) values[i] = Number(sum[at + i]) / scale
    at += lane.length
    if (isRotated(lane, bits)) rotateBack(values, signsOf(lane, request))
    return [lane.name, values]
  })
  return Object.fromEntries(lanes)
}

/** Non-finite numbers, and such as are beyond the lane's bound, end here. */
function checked(values: Lanes[string] | undefined, lane: Lane): Lanes[string] {
  const refuse = (expected: string): never => {
    throw new ProtocolError('ERR_ENCODING', `lane ${lane.name}: expected ${expected}`)
  }
  if (values?.length !== lane.length) return refuse(`${lane.length} numbers, found ${values?.length ?? 'none'}`)
  for (let i = 0; i < values.length; i++) {
    // Written so that what is no number fails too.
    if (!(Math.abs(values[i]) <= lane.bound)) refuse(`a number within ±${lane.bound} at ${i}, found ${values[i]}`)
  }
  return values
}

/** The lane's values, spread by the public rotation; the few that lie beyond saturate. */
function rotated(values: Lanes[string], lane: Lane, request: SumRequest): Float64Array {
  const spread = Float64Array.from(values)
  const norm = Math.sqrt(spread.reduce((sum, value) => sum + value * value, 0))
  // Nothing would overflow, but what lies beyond the promised norm would saturate unseen.
  if (norm > normOf(lane) * (1 + 2 ** -30))
    throw new ProtocolError(
      'ERR_ENCODING',
      `lane ${lane.name}: expected a norm of at most ${normOf(lane)}, found ${norm}`,
    )
  rotate(spread, signsOf(lane, request))
  const most = saturation(lane)
  for (let i = 0; i < spread.length; i++) spread[i] = Math.max(-most, Math.min(most, spread[i]))
  return spread
}

const signsOf = (lane: Lane, request: SumRequest): Stream =>
  new Stream(`${request.rotation ?? ''}/rotation/${lane.name}`)
