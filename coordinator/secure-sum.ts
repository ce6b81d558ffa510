/** The steps of the secure sum, as SPEC.md names them, in every group of a round; a group with too few sites is left out. */

import type { SumRequest } from '../protocol/algorithm.ts'
import { toHex } from '../protocol/bytes.ts'
import type { RingVector } from '../protocol/crypto/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { drawGroups, type Group } from '../protocol/secagg/groups.ts'
import type { Upload } from '../protocol/secagg/messages.ts'
import { type Culprit, unmask } from '../protocol/secagg/recover.ts'
import * as server from '../protocol/secagg/server.ts'
import { packedLength, unpackVector, zeroVector } from '../protocol/vector/packing.ts'
import { attemptOf, roundOf } from '../protocol/wire/attempts.ts'
import { type GatherStep, gather, send } from './answers.ts'
import { admitted, enoughOf, GroupedRound, vectorsNeeded } from './grouped-round.ts'
import type { Absence, Member } from './members.ts'
import type { RunState } from './run-state.ts'

export interface SumStep {
  readonly attempt: number
  readonly request: SumRequest
  readonly stateHash: Uint8Array
}

export interface SecureSum {
  readonly sum: RingVector
  /** Members whose contributions are in it, in the order of the roster. */
  readonly survivors: readonly number[]
  readonly absent: readonly Absence[]
  /** Transcripts of the groups that are in it. */
  readonly transcripts: readonly Uint8Array[]
  readonly culprits: readonly Culprit[]
}

/** @throws ProtocolError when too few sites stay to the end: then nothing was learned and the round can be tried again. */
export async function sumSecurely<State, Site>(run: RunState<State, Site>, step: SumStep): Promise<SecureSum> {
  const { attempt } = step
  const { session } = run.adder
  const groups = await drawGroups(run.provider, session, attempt)
  const next = await drawGroups(run.provider, session, attemptOf(roundOf(attempt) + 1, 0))
  const round = new GroupedRound(run)
  await ensureDeposits(run, round, { attempt, groups })
  await openGroups(run, round, { step, groups, next })
  await collectUploads(run, round, step)
  await round.each(async (group) => {
    const closed = await server.closeUploads(run.adder, group)
    expectAsBefore(run, closed.round)
    round.requests.set(group.group.number, closed.request)
    return closed.round
  })
  round.expectSurvivors(session.formation.minimum)
  if (session.formation.mode === 'strict') await agreeOnSurvivors(run, round, attempt)
  await collectShares(run, round, attempt)
  const opened = await takeMasksOff(run, round, step.request)
  round.expectSurvivors(session.formation.minimum)
  return { ...opened, survivors: round.survivors, absent: round.absences, transcripts: round.transcripts }
}

/** @throws ProtocolError ERR_TOO_FEW_SURVIVORS where shares were asked for before, with sites that are missing now. */
function expectAsBefore<State, Site>(
  run: RunState<State, Site>,
  { attempt, group, survivors }: server.ServerRound,
): void {
  const { asked } = run
  if (asked === undefined || asked.round !== roundOf(attempt)) return
  const missing = admitted(run, attempt, group).filter(
    (index) => asked.survivors.has(index) && !survivors.includes(index),
  )
  if (missing.length > 0)
    throw new ProtocolError(
      'ERR_TOO_FEW_SURVIVORS',
      `shares for this state were asked for with ${missing.map((index) => run.roster[index].name).join(', ')} in the sum: the round can only be made with them`,
    )
}

interface DepositStep {
  readonly attempt: number
  readonly groups: readonly Group[]
}

/** In steady state the deposits came with the last round's uploads; where a member is new or came back, its group deals anew. */
async function ensureDeposits<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  { attempt, groups }: DepositStep,
): Promise<void> {
  const asked: number[] = []
  const askedGroups: Group[] = []
  const here = new Set(run.cohort.members.map(({ index }) => index))
  await round.note(run.cohort.absent)
  const free = new Set(groups.flatMap((group) => admitted(run, attempt, group)))
  run.deposits = new Map([...run.deposits].filter(([index]) => here.has(index) && free.has(index)))
  for (const group of groups) {
    const ready = admitted(run, attempt, group).filter((index) => here.has(index))
    if (ready.every((index) => isCurrent(run, { index, attempt, ready }))) continue
    const peers = ready.flatMap((index) => run.keys.get(index) ?? [])
    for (const index of ready) {
      run.deposits.delete(index)
      send(run, index, { type: 'deposit-request', attempt, peers })
    }
    asked.push(...ready)
    askedGroups.push(group)
  }
  const needs = vectorsNeeded(run, attempt, askedGroups)
  const absent = await gather(run, { phase: 'depositing', attempt, awaits: asked, needs }, async (member, message) => {
    if (message.type !== 'deposit') return 'ignored'
    run.deposits.set(member.index, await server.checkBundle(run.adder, member.index, message.bundle))
    return 'answered'
  })
  await round.note(absent)
}

/** Whether a member's deposit is for this attempt and reaches everybody of its group who is here now. */
function isCurrent<State, Site>(
  { deposits, keys }: RunState<State, Site>,
  { index, attempt, ready }: { readonly index: number; readonly attempt: number; readonly ready: readonly number[] },
): boolean {
  const bundle = deposits.get(index)?.bundle
  if (bundle?.attempt !== attempt) return false
  const dealt = new Set(bundle.shares.map((share) => `${share.peer}/${toHex(share.key)}`))
  return ready.every((peer) => {
    const key = keys.get(peer)
    return peer === index || (key !== undefined && dealt.has(`${peer}/${toHex(key.key)}`))
  })
}

interface OpenStep {
  readonly step: SumStep
  readonly groups: readonly Group[]
  readonly next: readonly Group[]
}

async function openGroups<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  { step, groups, next }: OpenStep,
): Promise<void> {
  const { attempt, stateHash, request } = step
  const { deposits, keys, previous } = run
  let failed: ProtocolError | undefined
  for (const group of groups) {
    try {
      const opening = { attempt, group, stateHash, previous, deposits, keys, zero: zeroVector(request) }
      round.open(await server.openRound(run.adder, opening))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      failed = error
      await round.leaveOut(group, error)
    }
  }
  run.deposits = new Map()
  if (round.members.length === 0 && failed !== undefined) throw failed
  await round.each(async (opened) => {
    for (const [index, message] of await server.roundStarts(run.adder, opened, { keys, next })) {
      run.members.link(index)?.expect(packedLength(request))
      send(run, index, message)
    }
    return opened
  })
}

async function collectUploads<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  { attempt, request }: SumStep,
): Promise<void> {
  const needs = vectorsNeeded(run, attempt, round.groups)
  const step: GatherStep = { phase: 'collecting', attempt, awaits: round.members, needs }
  const absent = await gather(run, step, async (member, message) => {
    const group = round.of(member.index)
    if (group === undefined) return 'ignored'
    if (message.type === 'nack') round.open(server.takeNack(run.adder, group, member.index, message))
    if (message.type !== 'upload') return 'ignored'
    const vector = await takeVector(run, member, { message, request })
    round.open(await server.takeUpload(run.adder, group, member.index, { message, vector }))
    run.deposits.set(member.index, await server.checkBundle(run.adder, member.index, message.next))
    return 'answered'
  })
  await round.note(absent)
}

async function takeVector<State, Site>(
  run: RunState<State, Site>,
  member: Member,
  { message, request }: { readonly message: Upload; readonly request: SumRequest },
): Promise<RingVector> {
  const bytes = await run.members.link(member.index)?.take(message.vectorHash)
  if (bytes === undefined)
    throw new ProtocolError('ERR_BLOB', `${member.name} announced a vector that did not arrive`, member.name)
  return unpackVector(bytes, request)
}

async function agreeOnSurvivors<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  attempt: number,
): Promise<void> {
  for (const index of round.survivors) {
    const request = round.requests.get(round.of(index)?.group.number ?? -1)
    if (request !== undefined) send(run, index, request)
  }
  const needs = round.groups.map(enoughOf)
  const step: GatherStep = { phase: 'agreeing', attempt, awaits: round.survivors, needs }
  const absent = await gather(run, step, async (member, message) => {
    const group = round.of(member.index)
    if (group === undefined || message.type !== 'consistency') return 'ignored'
    round.open(await server.takeConsistency(run.adder, group, member.index, message))
    return 'answered'
  })
  await round.note(absent)
}

async function collectShares<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  attempt: number,
): Promise<void> {
  await fixSurvivors(run, round.survivors)
  await round.each(async (group) => {
    const request = await server.requestReveal(run.adder, group)
    for (const index of group.survivors) send(run, index, request)
    return group
  })
  const needs = round.groups.map(enoughOf)
  const step: GatherStep = { phase: 'revealing', attempt, awaits: round.survivors, needs }
  const absent = await gather(run, step, async (member, message) => {
    const group = round.of(member.index)
    if (group === undefined || message.type !== 'reveal') return 'ignored'
    round.open(await server.takeReveal(run.adder, group, member.index, message))
    return 'answered'
  })
  await round.note(absent)
}

/** Written down before anything is opened: a coordinator that is restarted must know whom it has asked about. */
async function fixSurvivors<State, Site>(run: RunState<State, Site>, survivors: readonly number[]): Promise<void> {
  const { attempt, asked } = run
  const round = roundOf(attempt)
  const before = asked?.round === round ? asked.survivors : []
  run.asked = { round, survivors: new Set([...before, ...survivors]) }
  await run.journal({ type: 'survivors', attempt, sites: survivors.map((index) => run.roster[index].name) })
}

/** The sums of the groups add into one. */
async function takeMasksOff<State, Site>(
  run: RunState<State, Site>,
  round: GroupedRound<State, Site>,
  request: SumRequest,
): Promise<{ readonly sum: RingVector; readonly culprits: readonly Culprit[] }> {
  let total: RingVector | undefined
  const culprits: Culprit[] = []
  await round.each(async (group) => {
    const opened = await unmask(run.adder, group)
    culprits.push(...opened.culprits)
    if (total === undefined) total = opened.sum
    else server.addInto(total, opened.sum)
    return group
  })
  return { sum: total ?? zeroVector(request), culprits }
}
