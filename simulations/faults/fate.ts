/** The virtual clock: how long a site takes for a round, and whether it is in time, so that a simulated hour takes no hour. */

import * as z from 'zod'
import { Stream } from '../../protocol/stream.ts'
import type { FateOf } from '../runner/schedule.ts'
import type { Condition, Fault } from './fault.ts'

export const clockSchema = z.strictObject({
  /** Bytes a second from a site and to a site; 10 and 50 Mbit/s unless said otherwise. */
  up: z.number().positive().default(1_250_000),
  down: z.number().positive().default(6_250_000),
  /** Seconds a message is under way. */
  latency: z.number().min(0).default(0.05),
  /** Training rows a site goes through in a second, all passes counted. */
  rowsPerSecond: z.number().positive().default(10_000),
  /** Seconds after which a site that was not heard of is left out; nobody is without it. */
  deadline: z.number().positive().optional(),
})

export type ClockSettings = z.infer<typeof clockSchema>

export interface FateParts {
  readonly clock: ClockSettings
  readonly faults: readonly Fault[]
  readonly seed: number
  /** Rows that each site goes through in a training round. */
  readonly rows: (site: number) => number
}

export const fateOf = ({ clock, faults, seed, rows }: FateParts): FateOf => {
  const { up, down, latency, rowsPerSecond, deadline = Number.POSITIVE_INFINITY } = clock
  return (site, { round, attempt, training, bytesUp, bytesDown }) => {
    const condition: Condition = { compute: 1, send: 1, delay: 0, resent: 0, clockRate: 1, absent: undefined }
    for (const [i, fault] of faults.entries()) {
      const lasting = new Stream(`${seed}/fault/${i}/${site}`)
      fault(condition, { site, round, lasting, passing: lasting.fork(`${round}/${attempt}`) })
    }
    const { compute, send, delay, resent, clockRate, absent } = condition
    const transfer = send * (bytesDown / down + ((1 + resent) * bytesUp) / up)
    const seconds = delay + 2 * latency + transfer + (training ? (compute * rows(site)) / rowsPerSecond : 0)
    // Whoever is away for good is not waited for; a lost link is noticed when the deadline passes or the others are done.
    if (absent !== undefined) return { type: 'absent', seconds: Number.isFinite(deadline) ? deadline : 0, ...absent }
    const patience = Math.min(deadline, deadline / clockRate)
    if (seconds <= patience) return { type: 'present', seconds }
    const reason = `${seconds.toFixed(1)} s would have been needed`
    return { type: 'absent', seconds: deadline, code: 'ERR_SILENT', reason }
  }
}
