/** What members answer in a phase of the secure sum: each message is taken, ignored or refused as the table says. */

import { ProtocolError } from '../protocol/errors.ts'
import { decodeSecure, encodeSecure, type SecureMessage } from '../protocol/secagg/messages.ts'
import { type CoordinatorPhase, coordinatorTable } from '../protocol/secagg/table.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import type { Message } from '../protocol/wire/messages.ts'
import type { WaitingEvent } from './events.ts'
import type { Absence, Member, Verdict } from './members.ts'
import type { Need } from './pace.ts'
import { letGo, present, type RunState, takeMembership } from './run-state.ts'

export interface GatherStep {
  readonly phase: CoordinatorPhase
  readonly attempt: number
  readonly awaits: Iterable<number>
  /** Which answers the attempt cannot do without. */
  readonly needs: readonly Need[]
}

type TakeSecure = (member: Member, message: SecureMessage) => Promise<Verdict>

/** Waits for an answer of each; a member that aborts its part counts as absent with its own reason. */
export async function gather<State, Site>(
  run: RunState<State, Site>,
  { phase, attempt, awaits, needs }: GatherStep,
  take: TakeSecure,
): Promise<readonly Absence[]> {
  const { mode } = run.adder.session.formation
  const refusals: Absence[] = []
  let waited = false
  const awaited = [...awaits]
  if (awaited.length > 0) run.report({ type: 'phase', round: roundOf(attempt), phase, sites: awaited.length })
  const absences = await run.members.gather({
    awaits: awaited,
    needs,
    overdue: (members) => {
      waited = true
      run.report(waitingFor(run, members))
    },
    take: async (member: Member, message: Message) => {
      if (message.type === 'secure') {
        const secure = decodeSecure(message.body)
        const cell = coordinatorTable[mode][phase][secure.type]
        if (cell === 'refuse')
          throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `${secure.type} has no place in ${phase}`, member.name)
        // An answer to an attempt that was given up may still be on its way.
        if (cell === 'take' && attemptIn(secure) >= attempt) return take(member, secure)
        await letGo(run, member, secure)
        return 'ignored'
      }
      if (message.type !== 'abort') return takeMembership(run, member, message)
      run.attendances.caughtUp(member.index)
      if (message.attempt !== attempt) return 'ignored'
      refusals.push({ member, code: message.code, reason: message.reason })
      return 'refused'
    },
  })
  if (waited) run.report({ type: 'assembled', sites: present(run).length })
  for (const { member, code } of absences)
    if (code === 'ERR_STRAGGLER') run.attendances.leftBehind(member.index, roundOf(attempt))
  return [...absences, ...refusals]
}

/** They are here and at work: the round can be made with them or not at all. */
function waitingFor<State, Site>(run: RunState<State, Site>, members: readonly Member[]): WaitingEvent {
  const missing = members.map(({ name }) => name)
  const here = present(run).flatMap(({ name }) => (missing.includes(name) ? [] : [name]))
  return { type: 'waiting', present: here, missing, needed: run.adder.session.formation.needed }
}

const attemptIn = (message: SecureMessage): number =>
  message.type === 'deposit' ? message.bundle.attempt : message.attempt

export function send<State, Site>(run: RunState<State, Site>, index: number, message: SecureMessage): void {
  run.members.send(index, { type: 'secure', body: encodeSecure(message) })
}
