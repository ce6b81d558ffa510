/** Who is asked in a round: all who are here, or as many as the plan draws; whoever keeps failing sits out for a while. */

import { Stream } from '../protocol/stream.ts'
import type { Absence, Member } from './members.ts'

/** Rounds in a row that a site may fail before it sits one out; then two, four, …, at most sixteen. */
const patience = 2
const longestRest = 16

/** Not the site's failing: nothing was asked of it. */
const notAsked = new Set(['ERR_NOT_CONNECTED', 'ERR_NOT_SAMPLED', 'ERR_SET_ASIDE'])

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

  /** A round is over: whoever was in its sum is healthy, whoever was asked and is not has failed once more. */
  note(round: number, survivors: readonly number[], absent: readonly Absence[]): void {
    for (const index of survivors) this.#standings.delete(index)
    for (const { member, code } of absent) {
      if (notAsked.has(code)) continue
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
    const resting = (member: Member): boolean => (this.#standings.get(member.index)?.back ?? 0) > round
    const order = [...here].sort((a, b) => Number(resting(a)) - Number(resting(b)) || place(a) - place(b))
    const healthy = order.filter((member) => !resting(member)).length
    const count = Math.max(needed, Math.min(healthy, sampled ?? healthy))
    return {
      members: order.slice(0, count).sort((a, b) => a.index - b.index),
      absent: order.slice(count).map((member) => (resting(member) ? this.#setAside(member) : notDrawn(member))),
    }
  }

  #setAside(member: Member): Absence {
    const { failures = 0, code = '', back = 0 } = this.#standings.get(member.index) ?? {}
    const reason = `failed ${failures} rounds in a row, the last with ${code}; asked again in round ${back}`
    return { member, code: 'ERR_SET_ASIDE', reason }
  }
}

const notDrawn = (member: Member): Absence => ({
  member,
  code: 'ERR_NOT_SAMPLED',
  reason: 'not drawn for this round',
})
