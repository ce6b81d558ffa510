/** Clipping: each site's update is shortened to a largest Euclidean norm, which bounds what one site can do to the sum. */

import * as z from 'zod'
import type { Lane, Lanes, SumRequest } from '../algorithm.ts'
import { bounded } from './bounded.ts'
import { type Mechanism, mechanismEntry } from './mechanism.ts'
import { noNoise, unprotected } from './none.ts'

export const clippingNorm = z.number().positive().max(1e9)

const options = z.strictObject({
  /** The largest norm of a lane that has one (updates, gradients); other lanes stay as they are. */
  clip: clippingNorm,
})

export const clip = mechanismEntry(
  options,
  (chosen): Mechanism => ({
    unit: undefined,
    discipline: undefined,
    protect: (algorithm) =>
      bounded(algorithm, { request: (request) => clipRequest(request, chosen.clip), contribution: clipLanes }),
    noiseShare: noNoise,
    noiseSum: noNoise,
    charge: unprotected,
    whole: unprotected(),
  }),
)

/** The request with every norm at most `norm`; no coordinate is larger than the norm. */
export function clipRequest(request: SumRequest, norm: number): SumRequest {
  const clipped = (lane: Lane): Lane =>
    lane.l2 === undefined || lane.l2 <= norm ? lane : { ...lane, l2: norm, bound: Math.min(lane.bound, norm) }
  return { ...request, lanes: request.lanes.map(clipped) }
}

/** The contribution with every lane within the norm its request promises. */
export function clipLanes(lanes: Lanes, request: SumRequest): Lanes {
  const clipped = request.lanes.map(({ name, l2 }): [string, Lanes[string]] => [
    name,
    l2 === undefined ? lanes[name] : withinNorm(lanes[name], l2),
  ])
  return Object.fromEntries(clipped)
}

/** Shortened to `norm` where it is longer; rounding never leaves it longer. */
export function withinNorm(values: Lanes[string], norm: number): Lanes[string] {
  const length = euclideanNorm(values)
  if (length <= norm) return values
  const factor = (norm / length) * (1 - 2 ** -40)
  return Float64Array.from(values, (value) => value * factor)
}

export function euclideanNorm(values: Lanes[string]): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  return Math.sqrt(sum)
}
