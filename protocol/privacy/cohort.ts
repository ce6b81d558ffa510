/** How many honest sites are behind any sum that can be revealed: what distributed noise is sized for. */

import type { Thresholds } from '../secagg/thresholds.ts'

export interface Quorate {
  /** Sites in the roster: N. */
  readonly sites: number
  /** c, t and the least number of survivors that every honest site enforces. */
  readonly thresholds: Thresholds
  readonly mode: 'strict' | 'fast'
}

/**
 * Shares of noise that an observer of the sum does not know, whatever the coordinator and the colluding sites do.
 * A curious site knows its own share, so at least one share is counted as known. @returns at least 1.
 */
export function honestShares({ sites, thresholds, mode }: Quorate): number {
  const { colluding, minimum, threshold } = thresholds
  const honest = mode === 'strict' ? minimum - colluding : fastDelta({ sites, colluding, threshold })
  return Math.max(1, honest - (colluding === 0 ? 1 : 0))
}

/**
 * Fewest honest contributions in a revealed sum when the survivors are not agreed upon first: a lying coordinator can
 * have honest sites' mask keys opened as if they had dropped. Each honest site calls at most N - t others dropped, and
 * opening a key takes t - c honest shares; so d keys open only if d (t - c) <= d min(N - t, d - 1) + (h - d) min(N - t, d).
 * @returns 0 where the threshold is unsafe, 2 t <= N + c.
 */
export function fastDelta({
  sites,
  colluding,
  threshold,
}: {
  readonly sites: number
  readonly colluding: number
  readonly threshold: number
}): number {
  const honest = sites - colluding
  const drops = sites - threshold
  const needed = threshold - colluding
  if (2 * threshold <= sites + colluding) return 0
  let opened = 0
  for (let d = 1; d <= honest; d++) {
    const votes = d * Math.min(drops, d - 1) + (honest - d) * Math.min(drops, d)
    if (needed <= honest - 1 && d * needed <= votes) opened = d
  }
  return honest - opened
}
