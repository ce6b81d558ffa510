/** How long a step waits for a member: as long as it is heard of, and without a connection hardly longer than for the others. */

import type { Pace } from './pace.ts'

/** What is known of a member's being there; times are milliseconds since the epoch. */
export interface Presence {
  /** When bytes or a heartbeat last came. */
  lastHeard: number
  /** When bytes of an upload last came. */
  lastMoved: number
  /** Since when its link has been without a connection, while it is. */
  away: number | undefined
}

export interface WaitingRules {
  /** Milliseconds without a byte or a heartbeat after which a member is given up. */
  readonly patience: number
  /** Milliseconds that a step goes on waiting for members without a connection when it waits for nobody else. */
  readonly grace: number
}

/** Why a member is not waited for any longer: it is given up, or the step goes on without it and its link stays. */
export interface GivenUp {
  readonly code: 'ERR_SILENT' | 'ERR_LINK_LOST' | 'ERR_STRAGGLER'
  readonly reason: string
}

const never = Number.POSITIVE_INFINITY

/** Whether it is there, or has been away for no longer than the grace. */
export const isHere = ({ away }: Presence, { grace }: WaitingRules, now: number): boolean =>
  away === undefined || now < away + grace

/** When the first of those who are waited for has to be given up. */
export function waitsUntil(waiting: readonly Presence[], pace: Pace, rules: WaitingRules): number {
  const own = waiting.map(({ lastHeard, lastMoved }) =>
    Math.min(lastHeard + rules.patience, pace.deadline(lastMoved) ?? never),
  )
  return Math.min(graceOver(waiting, pace, rules), ...own)
}

/** Whom the step does not wait for any longer at this time, and why. */
export function givenUp<Member extends Presence>(
  waiting: readonly Member[],
  pace: Pace,
  { rules, now }: { readonly rules: WaitingRules; readonly now: number },
): readonly (GivenUp & { readonly member: Member })[] {
  const alone = graceOver(waiting, pace, rules) <= now
  const why = (member: Member): GivenUp | undefined => {
    if (member.lastHeard + rules.patience <= now)
      return { code: 'ERR_SILENT', reason: `neither bytes nor a heartbeat for ${rules.patience / 1000} s` }
    if (alone && !isHere(member, rules, now))
      return { code: 'ERR_LINK_LOST', reason: `the connection was lost and not back within ${rules.grace / 1000} s` }
    if ((pace.deadline(member.lastMoved) ?? never) <= now)
      return { code: 'ERR_STRAGGLER', reason: 'still at work when the others had long been done' }
    return undefined
  }
  return waiting.flatMap((member) => {
    const given = why(member)
    return given === undefined ? [] : [{ ...given, member }]
  })
}

/** When the first has been away for too long; never while the step waits anyway, for one that is there or because it must. */
function graceOver(waiting: readonly Presence[], pace: Pace, { grace }: WaitingRules): number {
  const since = waiting.map(({ away }) => away ?? never)
  return pace.waits || since.includes(never) ? never : Math.min(...since) + grace
}
