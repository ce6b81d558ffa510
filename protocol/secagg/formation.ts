/**
 * The formation of a roster: one complete graph of up to 128 sites, or groups of them, and what each size of group
 * demands and guarantees (B12 of the design). Every party computes it from the plan and the number of sites.
 */

import { InputError } from '../errors.ts'
import { fastDelta, honestShares } from '../privacy/cohort.ts'
import { assumedColluding, type Quorum, type Thresholds, thresholdsOf } from './thresholds.ts'

/** Strict: the sites sign who is in the sum before anything is opened. Fast: one message less, fewer honest sites for sure. */
export type Mode = 'strict' | 'fast'

/** What a plan says about the secure sum. */
export interface SumRules {
  readonly quorum?: Quorum
  readonly encoding?: { readonly mode?: Mode; readonly group?: number | undefined }
}

export interface Formation {
  readonly mode: Mode
  readonly sites: number
  /** 1 for the complete graph. */
  readonly groups: number
  /** Of the whole roster: who is assumed to collude. */
  readonly colluding: number
  /** Sites a run waits for before it begins: enough that every group can reach its own minimum. */
  readonly needed: number
  /** Fewest sites in a sum that is published. */
  readonly minimum: number
  /** By size of group, of which there are one or two. */
  readonly thresholds: ReadonlyMap<number, Thresholds>
  /** Fewest honest contributions in any sum that can be opened, whatever the coordinator and the colluding sites do. */
  readonly honest: number
}

/** Members of a complete graph: keys, shares and masks grow with its square. */
export const largestGraph = 128

/** Below two honest sites a sum is one site's contribution. */
export const fewestHonest = 2

/** @throws InputError ERR_QUORUM where the numbers leave no safe threshold, ERR_HONEST_MINIMUM where a sum could be one site's. */
export function formationOf(sites: number, { quorum = {}, encoding = {} }: SumRules = {}): Formation {
  const { mode = 'strict', group = largestGraph } = encoding
  const groups = Math.max(1, Math.ceil(sites / group))
  const colluding = quorum.colluding ?? assumedColluding(sites)
  const sizes = groupSizes(sites, groups)
  const thresholds = new Map(
    [...new Set(sizes)].map((size) => [size, thresholdsInGroup({ sites, groups, colluding, size, quorum })]),
  )
  const each = (size: number): Thresholds => thresholds.get(size) ?? thresholdsOf(size)
  const honest = Math.min(...[...thresholds].map(([size, limits]) => honestIn(mode, size, limits)))
  if (honest < fewestHonest)
    throw new InputError(
      'ERR_HONEST_MINIMUM',
      `in ${mode} mode a sum over ${sites} sites${groups > 1 ? ` in groups of ${sizes[0]}` : ''} might hold ${honest} honest contributions, expected at least ${fewestHonest}; assume fewer colluding sites, take larger groups, or strict mode`,
    )
  const least = sizes.reduce((sum, size) => sum + each(size).minimum, 0)
  const minimum = Math.max(quorum.minimum ?? 0, Math.min(...sizes.map((size) => each(size).minimum)))
  if (minimum > sites) throw new InputError('ERR_QUORUM', `the plan wants ${minimum} sites, the roster has ${sites}`)
  return { mode, sites, groups, colluding, needed: Math.max(least, minimum), minimum, thresholds, honest }
}

/** As equal as can be, larger ones first. */
export const groupSizes = (sites: number, groups: number): number[] =>
  Array.from({ length: groups }, (_, i) => Math.floor(sites / groups) + (i < sites % groups ? 1 : 0))

interface GroupQuestion {
  readonly sites: number
  readonly groups: number
  readonly colluding: number
  readonly size: number
  readonly quorum: Quorum
}

function thresholdsInGroup({ quorum, ...question }: GroupQuestion): Thresholds {
  if (question.groups === 1) return thresholdsOf(question.sites, { ...quorum, colluding: question.colluding })
  return thresholdsOf(question.size, { colluding: colludersInGroup(question) })
}

/**
 * Most colluding sites that a group drawn at random is taken to hold: that any of the groups holds more has a chance of
 * 2^-60 at the most, so 2^-40 is left where a coordinator tries 2^20 sessions for a draw it likes. Counted exactly, in
 * whole numbers, so that every party comes to the same: groups * P[Hypergeometric(sites, colluding, size) > c] <= 2^-60.
 */
export function colludersInGroup({ sites, groups, colluding, size }: Omit<GroupQuestion, 'quorum'>): number {
  const most = Math.min(colluding, size)
  const all = choose(sites, size)
  let more = 0n
  for (let c = most; c > 0; c--) {
    // Draws with at least c colluding sites: if they are too likely, c must be counted on.
    more += choose(colluding, c) * choose(sites - colluding, size - c)
    if (more * BigInt(groups) * 2n ** 60n > all) return c
  }
  return 0
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let ways = 1n
  for (let i = 1; i <= k; i++) ways = (ways * BigInt(n - k + i)) / BigInt(i)
  return ways
}

/**
 * Noise shares that nobody else knows in any sum that can be opened: what distributed noise is sized for. In groups each
 * group's own sum is seen by the coordinator, so each must hold enough by itself.
 */
export function honestNoise(sites: number, rules: SumRules): number {
  const { mode, thresholds } = formationOf(sites, rules)
  return Math.min(...[...thresholds].map(([size, limits]) => honestShares({ sites: size, thresholds: limits, mode })))
}

function honestIn(mode: Mode, sites: number, { colluding, threshold, minimum }: Thresholds): number {
  return mode === 'strict' ? minimum - colluding : fastDelta({ sites, colluding, threshold })
}
