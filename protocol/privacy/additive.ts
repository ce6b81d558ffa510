/**
 * Noise on a sum of integers: how much each lane needs for a noise multiplier, the room for it in the ring, and what it
 * costs. Rounding with shared coins moves a lane of d reals by at most sqrt(d) more than the reals themselves moved;
 * overflow by the inequality sites (s C + 1) + 8 deviations < 2^(bits-1), Kairouz, Liu and Steinke 2021, section 4.
 */

import type { Lane, SumRequest } from '../algorithm.ts'
import { InputError } from '../errors.ts'
import { scaleOf } from '../vector/encoding.ts'
import { laneBits } from '../vector/packing.ts'
import { largestSigma } from './discrete-gaussian-sampler.ts'
import type { Unit } from './mechanism.ts'

/** Standard deviations of the whole noise for which the ring has room: beyond them it is 1e-15 likely. */
const deviationsOfRoom = 8

/** Below them coordinates are rotated and saturate, and noise would drown what is left of them. */
const fewestBits = 24

/** Below it the noise on a lane is larger than any number that is left in it. */
const coarsestScale = 2 ** -60

export interface NoiseSetting {
  readonly unit: Unit
  readonly noiseMultiplier: number
  /** Sites that encode. */
  readonly sites: number
  /** Independent noises in the sum. */
  readonly noises: number
  /** Of them, those that an observer does not know: together they are as large as the promise asks. */
  readonly unknown: number
}

/** The noise of one lane, in integer units. */
export interface LaneNoise {
  readonly start: number
  readonly length: number
  /** Standard deviation of each noise: whole, 1 to 2^20. */
  readonly sigma: number
  /** How far one of the unit can move the encoded lane. */
  readonly sensitivity: number
}

/** The request with scales that leave room for the noise. @throws InputError ERR_PLAN, ProtocolError ERR_ENCODING */
export function withRoom(request: SumRequest, setting: NoiseSetting): SumRequest {
  const noisy = request.lanes.filter((lane) => moves(lane, setting.unit)).length
  const lanes = request.lanes.map((lane) =>
    moves(lane, setting.unit) ? laneWithRoom(lane, request, { ...setting, noisy }) : lane,
  )
  return { ...request, lanes }
}

/** The noise of every lane that one of the unit can move, of a request out of `withRoom`. */
export function lanesOfNoise(request: SumRequest, setting: NoiseSetting): LaneNoise[] {
  const noisy = request.lanes.filter((lane) => moves(lane, setting.unit)).length
  let next = 0
  return request.lanes.flatMap((lane) => {
    const start = next
    next += lane.length
    if (!moves(lane, setting.unit)) return []
    const scale = scaleOf(lane, request, setting.sites)
    const sensitivity = encodedSensitivity(lane, scale, setting.unit)
    return [{ start, length: lane.length, sigma: sigmaFor(lane, sensitivity, { ...setting, noisy }), sensitivity }]
  })
}

interface Sized extends NoiseSetting {
  /** Lanes that share the multiplier equally: released together they cost what one of `noiseMultiplier` does. */
  readonly noisy: number
}

function laneWithRoom(given: Lane, request: SumRequest, setting: Sized): Lane {
  // A whole number times a scale is whole, so counts stay exact; noise finer than 1 needs the scale.
  const lane: Lane = { ...given, kind: 'real' }
  const bits = laneBits(lane, request)
  if (bits < fewestBits) {
    throw new InputError('ERR_PLAN', `noise needs rings of ${fewestBits} bits or more, found ${bits}`, 'encoding.bits')
  }
  const { sites, noises, unit } = setting
  // From the finest scale down: the noise in integer units falls with it, until the sampler and the ring hold it.
  for (let scale = scaleOf(lane, request, sites); scale > coarsestScale; scale /= 2) {
    const sigma = sigmaFor(lane, encodedSensitivity(lane, scale, unit), setting)
    const room = Math.ceil(deviationsOfRoom * Math.sqrt(noises) * sigma)
    if (sigma <= largestSigma && sites * (scale * lane.bound + 1) + room < 2 ** (bits - 1) - 1)
      return { ...lane, scale, room }
  }
  throw new InputError('ERR_PLAN', `the ring has no room for so much noise on "${lane.name}"`, 'privacy')
}

/** Always up: what is charged is what was added. */
const sigmaFor = ({ noise }: Lane, sensitivity: number, { noiseMultiplier, noisy, unknown }: Sized): number =>
  Math.max(1, Math.ceil((noiseMultiplier * (noise ?? Math.sqrt(noisy)) * sensitivity) / Math.sqrt(unknown)))

const encodedSensitivity = (lane: Lane, scale: number, unit: Unit): number =>
  scale * sensitivityOf(lane, unit) + Math.sqrt(lane.length)

const moves = (lane: Lane, unit: Unit): boolean => sensitivityOf(lane, unit) > 0

/** @throws InputError ERR_PLAN where the algorithm does not bound what one of the unit adds. */
export function sensitivityOf(lane: Lane, unit: Unit): number {
  const bound = unit === 'site' ? lane.l2 : lane.perRecord
  if (bound !== undefined) return bound
  throw new InputError(
    'ERR_PLAN',
    `the algorithm does not bound what one ${unit} adds to "${lane.name}": choose another algorithm or unit`,
    'privacy.unit',
  )
}
