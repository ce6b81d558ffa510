/** What the rounds of a run share: the parties, the session, who has joined it, and what was deposited. */

import type { Algorithm, SumRequest } from '../protocol/algorithm.ts'
import type { CryptoProvider, RingVector } from '../protocol/crypto/provider.ts'
import { errorCode, ProtocolError } from '../protocol/errors.ts'
import type { Protection, Spent } from '../protocol/journal/budget.ts'
import type { Appended } from '../protocol/journal/chain.ts'
import type { JournalEntry, SealedEntry } from '../protocol/journal/entries.ts'
import type { Plan } from '../protocol/plan.ts'
import type { Random } from '../protocol/random.ts'
import { decodeSecure, decodeSessionKey, type SecureMessage, type SessionKey } from '../protocol/secagg/messages.ts'
import { type Adder, checkSessionKey, type Deposited } from '../protocol/secagg/server.ts'
import { coordinatorTable } from '../protocol/secagg/table.ts'
import type { BlobStore } from '../protocol/wire/channel.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { Message, RosterEntry } from '../protocol/wire/messages.ts'
import type { Offer } from '../protocol/wire/offer.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Clock } from './clock.ts'
import type { Attendances, Cohort } from './cohort.ts'
import type { RunEvent } from './events.ts'
import type { Absence, Member, Members, Verdict } from './members.ts'
import { type RunRecord, takeConsent, takeCountersignature, takeWithdrawal } from './record.ts'

/** Appends an entry to the run's journal, durably; returns it in its place in the chain, and the head with it. */
export type Journal = (entry: JournalEntry) => Promise<Appended>

export interface RunParts<State, Site> extends Protection {
  readonly plan: Plan
  readonly algorithm: Algorithm<State, Site>
  /** The plan's central noise, in place on the unmasked sum. */
  readonly noiseSum: (sum: RingVector, request: SumRequest, random: Random) => void
  /** 32 fresh bytes that make this session's own. */
  readonly nonce: Uint8Array
  /** Where an earlier process left this run; unset for a new one. */
  readonly from: Checkpoint<State> | undefined
  /** What its journal held when it was opened; nothing for a new one. */
  readonly entries?: readonly SealedEntry[]
  /** In the order of the sites' keys. */
  readonly roster: readonly RosterEntry[]
  readonly identity: Identity
  readonly provider: CryptoProvider
  readonly random: Random
  readonly clock: Clock
  readonly members: Members
  readonly blobs: BlobStore
  readonly journal: Journal
  /** The build of the pages that are served; unset where none are. */
  readonly pages?: string
  readonly report: (event: RunEvent) => void
  /** Milliseconds to wait for the rest of the roster once the quorum is there; unset waits for the whole roster. */
  readonly assembly: number | undefined
}

/** What the rounds of a run share and change. */
export interface RunState<State, Site> extends RunParts<State, Site> {
  readonly adder: Adder
  readonly offer: Offer
  /** Members that joined this run, by their session keys. */
  readonly keys: Map<number, SessionKey>
  /** Members that are here and will not join; nobody waits for them. */
  readonly declined: Set<number>
  readonly record: RunRecord
  /** Deposits for the attempt to come. */
  deposits: Map<number, Deposited>
  /** Members that were found to break the protocol: they take no further part in this run. */
  readonly barred: Set<number>
  /** How the members did so far. */
  readonly attendances: Attendances
  /** Who is asked in the round that is under way. */
  cohort: Cohort
  /** Who has dropped out of the attempt that is being made, or of the last one. */
  absent: readonly Absence[]
  /** What the rounds have cost, where the journal says it. */
  spent: Spent | undefined
  /** The attempt that is being made. */
  attempt: number
  /** Transcripts of the last round that was committed. */
  previous: readonly Uint8Array[]
  /** Whose contributions shares were asked for in a round, over all attempts at it. */
  asked: { readonly round: number; readonly survivors: ReadonlySet<number> } | undefined
}

/** Members that are connected and have joined this run. */
export const present = <State, Site>(run: RunState<State, Site>): readonly Member[] =>
  run.members.connected.filter(({ index }) => run.keys.has(index) && !run.barred.has(index))

/** Joining and declining can happen at any moment of a run; what belongs to a step of the sum comes too late or too early. */
export async function takeMembership<State, Site>(
  run: RunState<State, Site>,
  member: Member,
  message: Message,
): Promise<Verdict> {
  if (message.type === 'secure') {
    const secure = decodeSecure(message.body)
    if (coordinatorTable[run.adder.session.formation.mode].between[secure.type] === 'refuse')
      throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `a coordinator does not expect ${secure.type}`, member.name)
    await letGo(run, member, secure)
  } else if (message.type === 'abort') run.attendances.caughtUp(member.index)
  else if (message.type === 'join') {
    const key = decodeSessionKey(message.sessionKey)
    if (key.index !== member.index)
      throw new ProtocolError('ERR_IMPERSONATION', `${member.name} joined as member ${key.index}`, member.name)
    if (run.record.withdrawn.has(member.name))
      throw new ProtocolError('ERR_WITHDRAWN', `${member.name} has left this study for good`, member.name)
    await checkSessionKey(run.adder, key)
    await takeConsent(run, member, message.consent)
    run.record.forget(member.index)
    run.keys.set(member.index, key)
    run.declined.delete(member.index)
    run.deposits.delete(member.index)
    run.attendances.caughtUp(member.index)
    run.report({ type: 'joined', site: member.name })
  } else if (message.type === 'decline') {
    run.keys.delete(member.index)
    run.declined.add(member.index)
    const { code, reason } = message
    if (!run.record.hasRefused(member.name, code))
      await run.journal({ type: 'refusal', site: member.name, code: errorCode(code), reason })
    run.report({ type: 'declined', site: member.name, code: message.code, reason: message.reason })
  } else if (message.type === 'countersign') await takeCountersignature(run, member, message)
  else if (message.type === 'withdraw') {
    await takeWithdrawal(run, member, message)
    run.keys.delete(member.index)
    run.declined.add(member.index)
  }
  return 'ignored'
}

/** An answer that comes too late: its vector is not kept, and whoever sent it is at work on nothing older any more. */
export async function letGo<State, Site>(
  run: RunState<State, Site>,
  { index }: Member,
  message: SecureMessage,
): Promise<void> {
  run.attendances.caughtUp(index)
  if (message.type === 'upload') await run.members.link(index)?.take(message.vectorHash)
}
