/** Between two attempts at a round: back-off, and a rest that says whom it waits for where a round keeps failing. */

import type { ProtocolError } from '../protocol/errors.ts'
import { isHealthy } from './cohort.ts'
import type { WaitingEvent } from './events.ts'
import { absenceOf } from './grouped-round.ts'
import type { Absence } from './members.ts'
import { present, type RunState, takeMembership } from './run-state.ts'

/** Back-off between attempts at one round, in milliseconds. */
const backOff = (tries: number): number => Math.min(30_000, 250 * 2 ** tries)

/** Attempts at one round after which the run rests until somebody who is missing comes, or for this long. */
const triesBeforeRest = 6
const restMilliseconds = 300_000

export interface FailedTry {
  readonly round: number
  /** Attempts at this round that failed before. */
  readonly failures: number
  readonly error: ProtocolError
}

/** Backs off; a round that keeps failing lets the run rest, and say for whom, until a site joins or the rest is over. */
export async function retryLater<State, Site>(
  run: RunState<State, Site>,
  { round, failures, error: { code, message } }: FailedTry,
): Promise<void> {
  const resting = failures + 1 >= triesBeforeRest
  const milliseconds = resting ? restMilliseconds : backOff(failures)
  const reason = `${message}${withoutText(run)}`
  run.report({ type: 'retry', round, code, reason, seconds: milliseconds / 1000 })
  if (resting) run.report(waitingEvent(run))
  const until = run.clock.now() + milliseconds
  let joined = false
  while (run.clock.now() < until && !(resting && joined)) {
    await run.members.attend({
      until,
      take: (member, message) => {
        joined ||= message.type === 'join'
        return takeMembership(run, member, message)
      },
    })
  }
  if (resting) run.report({ type: 'assembled', sites: present(run).length })
}

/** Sites that a run misses: those that are away, and those that were asked in its last attempt and did not do their part. */
function waitingEvent<State, Site>(run: RunState<State, Site>): WaitingEvent {
  const lost = absentNow(run).flatMap(({ member, code }) => (isHealthy(code) ? [] : [member.name]))
  const [missing, here] = [true, false].map((isLost) =>
    run.roster.flatMap(({ name }) => (lost.includes(name) === isLost ? [name] : [])),
  )
  return { type: 'waiting', present: here, missing, needed: run.adder.session.formation.needed }
}

/** Who was not in an attempt, and why, for the journal and whoever watches. */
export function withoutText<State, Site>(run: RunState<State, Site>): string {
  const told = absentNow(run).map(({ member, code }) => `${member.name} ${code}`)
  return told.length === 0 ? '' : `; without ${told.join(', ')}`
}

/** Of the last attempt. */
function absentNow<State, Site>(run: RunState<State, Site>): readonly Absence[] {
  const known = new Map(run.absent.map((absence) => [absence.member.index, absence]))
  const here = new Set(present(run).map(({ index }) => index))
  return [...run.roster.keys()].flatMap((index) => known.get(index) ?? (here.has(index) ? [] : absenceOf(run, index)))
}
