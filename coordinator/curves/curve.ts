/** The curves of a run: its metrics round by round, as the formats of other tools want them. */

import type { TimedEvent } from '../events.ts'

export interface CurvePoint {
  readonly round: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly metrics: Readonly<Record<string, number>>
}

export interface RunCurves {
  readonly id: string
  readonly name: string
  readonly points: readonly CurvePoint[]
  /** How it ended; `undefined` where it still runs. */
  readonly outcome: 'finished' | 'failed' | undefined
}

/** Writes curves under a folder. @returns the files written. */
export type CurveWriter = (curves: RunCurves, folder: string) => Promise<readonly string[]>

export function curvesOf(run: Pick<RunCurves, 'id' | 'name'>, events: readonly TimedEvent[]): RunCurves {
  const points = events.flatMap((event): CurvePoint[] => {
    if (event.type !== 'round') return []
    const { round, at, metrics, sites, seconds } = event
    return [{ round, at, metrics: { ...metrics, sites: sites.length, seconds } }]
  })
  const last = events.at(-1)?.type
  return { ...run, points, outcome: last === 'finished' || last === 'failed' ? last : undefined }
}
