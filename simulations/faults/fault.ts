/** The fault port: what goes wrong for a site in a round; several faults add up. */

import type { Stream } from '../../protocol/stream.ts'

/** How a site does in one round; each fault makes it worse. */
export interface Condition {
  /** Factors on the time to compute and to send. */
  compute: number
  send: number
  /** Seconds lost before anything else. */
  delay: number
  /** Whole contributions sent again. */
  resent: number
  /** How fast the site's own clock runs; with it the site measures the deadline. */
  clockRate: number
  /** Why the site is not in the sum; the first reason stays. */
  absent: { readonly code: string; readonly reason: string } | undefined
}

export interface FaultPlace {
  readonly site: number
  readonly round: number
  /** Of the site for the whole run. */
  readonly lasting: Stream
  /** Of the site in this round. */
  readonly passing: Stream
}

export type Fault = (condition: Condition, place: FaultPlace) => void
