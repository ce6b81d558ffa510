/** Frames of one peer on their way to their reader: never more than a bounded number waits, and never too many come. */

import type { Clock } from '../clock.ts'
import { doorLimits } from './limits.ts'

export interface FrameGate {
  /** Whether a frame of `bytes` that has come may be taken, with `waiting` others not yet read. */
  admits(bytes: number, waiting: number): boolean
  /** The peer has proved its key. */
  trust(): void
}

/** A token bucket over bytes: a burst, then a rate. A small frame costs as much as a block of bytes. */
export function frameGate({ now }: Pick<Clock, 'now'>): FrameGate {
  let tokens: number = doorLimits.burstBytes
  let at = now()
  let most: number = doorLimits.waitingStranger
  return {
    admits: (bytes, waiting) => {
      const cost = Math.max(doorLimits.frameBytes, bytes)
      const time = now()
      tokens = Math.min(doorLimits.burstBytes, tokens + ((time - at) / 1000) * doorLimits.bytesPerSecond)
      at = time
      if (tokens < cost || waiting >= most) return false
      tokens -= cost
      return true
    },
    trust: () => {
      most = doorLimits.waitingMember
    },
  }
}
