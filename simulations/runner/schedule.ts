/** Who is in each round of a simulated run, from which state they start, and how long it takes on the virtual clock. */

import { type SiteSampling, sitesOfRound } from '../../protocol/sampling.ts'
import { Stream } from '../../protocol/stream.ts'

export interface Absence {
  readonly site: number
  readonly code: string
  readonly reason: string
}

export interface Seat {
  /** Index in the population. */
  readonly site: number
  /** The round whose starting state the site trains from. */
  readonly version: number
}

export interface Turn {
  readonly seats: readonly Seat[]
  readonly absent: readonly Absence[]
  /** On the virtual clock; `undefined` where none runs. */
  readonly seconds: number | undefined
}

/** What a schedule may know of a round. */
export interface RoundFacts {
  readonly round: number
  /** Counts the tries of one round. */
  readonly attempt: number
  /** Whether updates are summed; statistics and evaluations are of every site. */
  readonly training: boolean
  readonly bytesUp: number
  readonly bytesDown: number
}

export interface Schedule {
  turn(facts: RoundFacts): Turn
  /** Fewest sites a round needs. */
  readonly needed: number
  /** The oldest version that a later turn may start from, seen from `round`. */
  oldest(round: number): number
}

/** What one site does in one round: how long it takes, or why it is not in the sum. */
export type Fate =
  | { readonly type: 'present'; readonly seconds: number }
  | { readonly type: 'absent'; readonly seconds: number; readonly code: string; readonly reason: string }

export type FateOf = (site: number, facts: RoundFacts) => Fate

/** All sites, or some of them drawn anew for each training round; the round ends with the last that is heard of. */
export function synchronous(parts: {
  readonly sites: number
  readonly sampling: SiteSampling | undefined
  readonly needed: number
  readonly seed: number
  readonly fate: FateOf | undefined
}): Schedule {
  const { sites, sampling, needed, seed, fate } = parts
  const everyone = Array.from({ length: sites }, (_, i) => i)
  return {
    needed,
    oldest: (round) => round,
    turn(facts) {
      const cohort =
        facts.training && sampling !== undefined
          ? drawn(sampling, { roster: sites, seed, round: facts.round })
          : everyone
      if (fate === undefined) {
        return { seats: cohort.map((site) => ({ site, version: facts.round })), absent: [], seconds: undefined }
      }
      const fates = cohort.map((site) => ({ site, fate: fate(site, facts) }))
      return {
        seats: fates.flatMap((each) =>
          each.fate.type === 'present' ? [{ site: each.site, version: facts.round }] : [],
        ),
        absent: fates.flatMap(({ site, fate: { type, ...why } }) =>
          type === 'absent' && 'code' in why ? [{ site, code: why.code, reason: why.reason }] : [],
        ),
        seconds: fates.reduce((longest, each) => Math.max(longest, each.fate.seconds), 0),
      }
    },
  }
}

/** One site a training round, in the population's order, again and again. */
export function oneByOne(sites: number, everyone: Schedule): Schedule {
  let turns = 0
  return {
    needed: 1,
    oldest: (round) => round,
    turn(facts) {
      if (!facts.training) return everyone.turn(facts)
      const site = turns++ % sites
      return { seats: [{ site, version: facts.round }], absent: [], seconds: undefined }
    },
  }
}

/**
 * Sites that do not wait: `concurrency` of them work at any time, each on the state that stood when it began; a training
 * round is over when `buffer` of them are done, whose places others take.
 */
export function asynchronous(parts: {
  readonly sites: number
  readonly concurrency: number
  readonly buffer: number
  readonly seed: number
  readonly fate: FateOf
  readonly everyone: Schedule
}): Schedule {
  const { sites, concurrency, buffer, seed, fate, everyone } = parts
  const chance = new Stream(`${seed}/arrivals`)
  let working: (Seat & { readonly done: number })[] = []
  let now = 0
  const begin = (facts: RoundFacts): void => {
    const busy = new Set(working.map(({ site }) => site))
    while (working.length < concurrency) {
      const site = chance.below(sites)
      if (busy.has(site)) continue
      busy.add(site)
      const own = fate(site, facts)
      // A site that gets lost on its way is replaced when it would have been done.
      if (own.type === 'present') working.push({ site, version: facts.round, done: now + own.seconds })
      else busy.delete(site)
    }
    working = working.sort((a, b) => a.done - b.done || a.site - b.site)
  }
  return {
    needed: buffer,
    oldest: (round) => working.reduce((oldest, { version }) => Math.min(oldest, version), round),
    turn(facts) {
      if (!facts.training) return everyone.turn(facts)
      begin(facts)
      const done = working.slice(0, buffer)
      working = working.slice(buffer)
      const end = done[done.length - 1].done
      const seconds = end - now
      now = end
      return { seats: done.map(({ site, version }) => ({ site, version })), absent: [], seconds }
    },
  }
}

/** A round of nobody would learn nothing, and a simulation has nobody to wait for: then one site is drawn. */
function drawn(sampling: SiteSampling, round: Parameters<typeof sitesOfRound>[1]): number[] {
  const count = Math.max(1, sitesOfRound(sampling, round))
  return sample(round.roster, count, new Stream(`${round.seed}/cohort/${round.round}`))
}

/** `count` of the numbers below `all`, ascending, in time that depends on `count` alone (Floyd's sampling). */
export function sample(all: number, count: number, stream: Stream): number[] {
  const chosen = new Set<number>()
  for (let last = all - count; last < all; last++) {
    const drawn = stream.below(last + 1)
    chosen.add(chosen.has(drawn) ? last : drawn)
  }
  return [...chosen].sort((a, b) => a - b)
}
