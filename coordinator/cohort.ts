/** Who is asked in a round: all who are here, or as many as the plan draws; whoever keeps failing sits out for a while. */

import { Stream } from '../protocol/stream.ts'
import type { Absence, Member } from './members.ts'

/** Rounds in a row that a site may fail before it sits one out; then two, four, …, at most sixteen. */
const patience = 2
const longestRest = 16

/** Not the site's failing: it is not here, or nothing was asked of it. */
const away = ['ERR_NOT_CONNECTED', 'ERR_DECLINED', 'ERR_BARRED']
const unasked = ['ERR_NOT_SAMPLED', 'ERR_SET_ASIDE', 'ERR_STILL_BUSY']

/** Whether a site that was absent for this reason would have answered, had it been asked. */
export const isHealthy = (code: string): boolean => code === 'ERR_NOT_SAMPLED'

export interface CohortRules {
  /** Fewest sites of a sum: they are asked whatever speaks against it. */
  readonly needed: number
  /** Sites of a round, where the plan draws some. */
  readonly sampled: number | undefined
  /** Everybody who has the plan draws the same. */
  readonly seed: number
}

export interface Cohort {
  readonly members: readonly Member[]
  /** Who is here and is not asked, and why. */
  readonly absent: readonly Absence[]
}

interface Standing {
  /** Rounds it has failed in a row. */
  readonly failures: number
  /** The first round in which it is asked again. */
  readonly back: number
  readonly code: string
}

/** How the members of a run did so far. */
export class Attendances {
  readonly #standings = new Map<number, Standing>()
  /** Members that were left behind, by the round that they are still at work on. */
  readonly #behind = new Map<number, number>()

  /** A round goes on without a member that has not answered yet: it would answer the next one no sooner. */
  leftBehind(index: number, round: number): void {
    this.#behind.set(index, round)
  }

  /** A member has said something after its work, or has come anew. */
  caughtUp(index: number): void {
    this.#behind.delete(index)
  }

  /** A round is over: whoever was in its sum is healthy, whoever was asked and is not has failed once more. */
  note(round: number, survivors: readonly number[], absent: readonly Absence[]): void {
    for (const index of survivors) this.#standings.delete(index)
    for (const { member, code } of absent) {
      if (away.includes(code) || unasked.includes(code)) continue
      const failures = (this.#standings.get(member.index)?.failures ?? 0) + 1
      const rest = failures < patience ? 0 : Math.min(longestRest, 2 ** (failures - patience))
      this.#standings.set(member.index, { failures, back: round + 1 + rest, code })
    }
  }

  choose(round: number, here: readonly Member[], { needed, sampled, seed }: CohortRules): Cohort {
    const drawn = new Stream(`${seed}/cohort/${round}`)
    // One draw a member of the roster, whoever is here: that somebody is away moves nobody else.
    const lot = new Map<number, number>()
    for (let index = 0; index <= Math.max(-1, ...here.map((member) => member.index)); index++)
      lot.set(index, drawn.uniform())
    const place = ({ index }: Member): number => lot.get(index) ?? 0
    // Where a sum needs more than are healthy, who rests is asked before who is still busy.
    const rank = ({ index }: Member): number =>
      this.#behind.has(index) ? 2 : Number((this.#standings.get(index)?.back ?? 0) > round)
    const order = [...here].sort((a, b) => rank(a) - rank(b) || place(a) - place(b))
    const healthy = order.filter((member) => rank(member) === 0).length
    const count = Math.max(needed, Math.min(healthy, sampled ?? healthy))
    return {
      members: order.slice(0, count).sort((a, b) => a.index - b.index),
      absent: order.slice(count).map((member) => this.#unasked(member, rank(member))),
    }
  }

  #unasked(member: Member, rank: number): Absence {
    if (rank === 0) return { member, code: 'ERR_NOT_SAMPLED', reason: 'not drawn for this round' }
    if (rank === 2)
      return {
        ...{ member, code: 'ERR_STILL_BUSY' },
        reason: `still at work on round ${this.#behind.get(member.index)}; asked again when that is done`,
      }
    const { failures = 0, code = '', back = 0 } = this.#standings.get(member.index) ?? {}
    const reason = `failed ${failures} rounds in a row, the last with ${code}; asked again in round ${back}`
    return { member, code: 'ERR_SET_ASIDE', reason }
  }
}
