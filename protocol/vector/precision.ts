/** How exact the sum of model updates is, for whoever checks a plan before it runs. */

import type { SumRequest } from '../algorithm.ts'
import { isRotated, scaleOf } from './encoding.ts'
import { laneBits } from './packing.ts'

export interface Precision {
  readonly lane: string
  readonly bits: number
  readonly rotated: boolean
  /** A site's coordinate is rounded to a multiple of this, in the lane's own unit. */
  readonly step: number
  /** By how much the mean of all sites is off, one standard deviation: a coin for each rounding, half a step at the most. */
  readonly meanError: number
}

/** Of every lane that holds updates: those of which a norm is promised. @throws ProtocolError ERR_ENCODING where they do not fit. */
export function precisionOf(request: SumRequest, sites: number): Precision[] {
  return request.lanes
    .filter((lane) => lane.l2 !== undefined)
    .map((lane) => {
      const bits = laneBits(lane, request)
      const step = 1 / scaleOf(lane, request, sites)
      return { lane: lane.name, bits, rotated: isRotated(lane, bits), step, meanError: step / 2 / Math.sqrt(sites) }
    })
}

/** One line for a terminal. */
export function precisionText({ lane, bits, rotated, step, meanError }: Precision): string {
  const spread = rotated ? ', spread by a rotation' : ''
  return `${lane}: ${bits} bits a number${spread}; a site rounds to steps of ${short(step)}, the mean of all sites is off by ${short(meanError)}`
}

const short = (value: number): string => String(Number(value.toPrecision(2)))
