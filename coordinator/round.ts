/** One round: deposits, masked vectors, agreement on the survivors, shares; then the sum, the global step, the journal. */

import type { SumRequest } from '../protocol/algorithm.ts'
import { toHex } from '../protocol/bytes.ts'
import type { RingVector } from '../protocol/crypto/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { decodeSecure, encodeSecure, type SecureMessage, type Upload } from '../protocol/secagg/messages.ts'
import * as server from '../protocol/secagg/server.ts'
import { decode } from '../protocol/vector/encoding.ts'
import { packedLength, packVector, unpackVector, zeroVector } from '../protocol/vector/packing.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import type { Message } from '../protocol/wire/messages.ts'
import type { Absence, Member, Verdict } from './members.ts'
import { present, type RunState, takeMembership } from './run-state.ts'

export interface RoundStep<State> {
  readonly state: State
  readonly request: SumRequest
  readonly attempt: number
}

export interface Committed<State> {
  readonly state: State
  readonly stateHash: Uint8Array
}

/** @throws ProtocolError when too few sites stay to the end: then nothing was learned and the round can be tried again. */
export async function runRound<State, Site>(
  run: RunState<State, Site>,
  step: RoundStep<State>,
): Promise<Committed<State>> {
  const began = run.clock.now()
  const { algorithm, provider } = run
  const start = algorithm.encode(step.state)
  const stateHash = await provider.sha256(start)
  await run.blobs.put(stateHash, start)

  await run.journal({
    type: 'round-start',
    attempt: step.attempt,
    purpose: step.request.purpose,
    startHash: toHex(stateHash),
  })
  const { round, absent } = await collect(run, step, stateHash)
  const { sum, liars } = await server.unmask(run.adder, round)
  for (const index of liars) await accuse(run, step.attempt, index)

  run.noiseSum(sum, step.request, run.random)
  const survivors = round.survivors.length
  const state = algorithm.apply(step.state, step.request, decode(sum, step.request, run.roster.length), survivors)
  const sites = round.survivors.map((index) => run.roster[index].name)
  const absences = absent.map(({ member, code, reason }) => ({ site: member.name, code, reason }))
  const committed = await publish(run, { step, startHash: stateHash, state, sum, sites, absent: absences })
  run.report({
    type: 'round',
    round: roundOf(step.attempt),
    purpose: step.request.purpose,
    sites,
    absent: absences,
    metrics: algorithm.metrics(state),
    seconds: (run.clock.now() - began) / 1000,
    bytesUp: survivors * packedLength(step.request),
    bytesDown: packedLength(step.request),
    stateHash: toHex(committed.stateHash),
  })
  return committed
}

/** The sum is exact all the same; whoever sent wrong shares is named in the journal and has to come back anew. */
async function accuse<State, Site>(run: RunState<State, Site>, attempt: number, index: number): Promise<void> {
  const { name } = run.roster[index]
  const reason = 'the shares it revealed were not those it was dealt'
  await run.journal({ type: 'culprit', site: name, attempt, code: 'ERR_BAD_SHARE', reason })
  run.report({ type: 'left', site: name, code: 'ERR_BAD_SHARE', reason })
  run.members.drop({ index, name }, 'ERR_BAD_SHARE', reason)
}

interface Collected {
  readonly round: server.ServerRound
  readonly absent: readonly Absence[]
}

/** The four steps of the secure sum, as SPEC.md names them. */
async function collect<State, Site>(
  run: RunState<State, Site>,
  step: RoundStep<State>,
  stateHash: Uint8Array,
): Promise<Collected> {
  const absent = new Map<number, Absence>()
  const note = (absences: readonly Absence[]): void => {
    for (const absence of absences) if (!absent.has(absence.member.index)) absent.set(absence.member.index, absence)
  }
  note(await ensureDeposits(run, step.attempt))
  let round = await server.openRound(run.adder, {
    attempt: step.attempt,
    stateHash,
    deposits: server.admissible(run.adder, run.deposits, run.keys),
    zero: zeroVector(step.request),
  })
  run.deposits = new Map()

  for (const [index, message] of await server.roundStarts(run.adder, round, run.keys)) {
    run.members.link(index)?.expect(packedLength(step.request))
    send(run, index, message)
  }
  note(
    await gather(run, round.deposits.keys(), async (member, message) => {
      if (message.type !== 'upload') return 'ignored'
      const vector = await takeVector(run, member, { message, request: step.request })
      round = await server.takeUpload(run.adder, round, member.index, { message, vector })
      run.deposits.set(member.index, await server.checkBundle(run.adder, member.index, message.next))
      return 'answered'
    }),
  )
  const closed = await server.closeUploads(run.adder, round)
  round = closed.round

  for (const index of round.survivors) send(run, index, closed.request)
  note(
    await gather(run, round.survivors, async (member, message) => {
      if (message.type !== 'consistency') return 'ignored'
      round = await server.takeConsistency(run.adder, round, member.index, message)
      return 'answered'
    }),
  )

  const unmask = await server.requestReveal(run.adder, round)
  for (const index of round.survivors) send(run, index, unmask)
  note(
    await gather(run, round.survivors, async (member, message) => {
      if (message.type !== 'reveal') return 'ignored'
      round = await server.takeReveal(run.adder, round, member.index, message)
      return 'answered'
    }),
  )
  for (const [index] of run.roster.entries()) {
    if (!round.survivors.includes(index) && !absent.has(index)) absent.set(index, notThere(run, index))
  }
  return { round, absent: [...absent.values()].filter(({ member }) => !round.survivors.includes(member.index)) }
}

const notThere = <State, Site>(run: RunState<State, Site>, index: number): Absence => ({
  member: { index, name: run.roster[index].name },
  code: 'ERR_NOT_CONNECTED',
  reason: 'the site was not connected when the round began',
})

/** In steady state the deposits came with the last round's uploads; a member that is new or came back needs fresh ones of all. */
async function ensureDeposits<State, Site>(run: RunState<State, Site>, attempt: number): Promise<readonly Absence[]> {
  const here = present(run)
  const current = here.every(
    ({ index }) => run.deposits.get(index)?.bundle.attempt === attempt && dealtToAll(run, index),
  )
  if (current) {
    run.deposits = new Map([...run.deposits].filter(([index]) => here.some((member) => member.index === index)))
    return []
  }
  run.deposits = new Map()
  const peers = here.flatMap(({ index }) => run.keys.get(index) ?? [])
  for (const { index } of here) send(run, index, { type: 'deposit-request', attempt, peers })
  const absent = await gather(
    run,
    here.map(({ index }) => index),
    async (member, message) => {
      if (message.type !== 'deposit' || message.bundle.attempt !== attempt) return 'ignored'
      run.deposits.set(member.index, await server.checkBundle(run.adder, member.index, message.bundle))
      return 'answered'
    },
  )
  return absent
}

/** Whether a member's deposit reaches everybody who is here now. */
function dealtToAll<State, Site>(run: RunState<State, Site>, index: number): boolean {
  const dealt = new Set(run.deposits.get(index)?.bundle.shares.map((share) => `${share.peer}/${toHex(share.key)}`))
  return present(run).every((peer) => {
    const key = run.keys.get(peer.index)
    return peer.index === index || (key !== undefined && dealt.has(`${peer.index}/${toHex(key.key)}`))
  })
}

type TakeSecure = (member: Member, message: SecureMessage) => Promise<Verdict>

/** Waits for an answer of each; a member that aborts its part counts as absent with its own reason. */
async function gather<State, Site>(
  run: RunState<State, Site>,
  awaits: Iterable<number>,
  take: TakeSecure,
): Promise<readonly Absence[]> {
  const refusals: Absence[] = []
  const absences = await run.members.gather({
    awaits,
    take: async (member: Member, message: Message) => {
      if (message.type === 'secure') return take(member, decodeSecure(message.body))
      if (message.type !== 'abort') return takeMembership(run, member, message)
      refusals.push({ member, code: message.code, reason: message.reason })
      return 'answered'
    },
  })
  return [...absences, ...refusals]
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

interface Publication<State> {
  readonly step: RoundStep<State>
  readonly startHash: Uint8Array
  readonly state: State
  readonly sum: RingVector
  readonly sites: string[]
  readonly absent: { site: string; code: string; reason: string }[]
}

/** The sum is public from here on: every site recomputes the state from it. */
async function publish<State, Site>(
  run: RunState<State, Site>,
  { step, startHash, state, sum, sites, absent }: Publication<State>,
): Promise<Committed<State>> {
  const sumBytes = packVector(sum, step.request)
  const sumHash = await run.provider.sha256(sumBytes)
  const stateBytes = run.algorithm.encode(state)
  const stateHash = await run.provider.sha256(stateBytes)
  await run.blobs.put(sumHash, sumBytes)
  // Before the journal says that the round is committed: a restarted coordinator goes on from these bytes.
  await run.blobs.put(stateHash, stateBytes)
  const { head } = await run.journal({
    type: 'round',
    attempt: step.attempt,
    startHash: toHex(startHash),
    participants: sites,
    absent,
    sumHash: toHex(sumHash),
    stateHash: toHex(stateHash),
  })
  run.members.broadcast({
    type: 'round-end',
    attempt: step.attempt,
    startHash,
    survivors: sites.length,
    sumHash,
    sumLength: sumBytes.length,
    stateHash,
    journalHead: head.hash,
  })
  return { state, stateHash }
}

function send<State, Site>(run: RunState<State, Site>, index: number, message: SecureMessage): void {
  run.members.send(index, { type: 'secure', body: encodeSecure(message) })
}
