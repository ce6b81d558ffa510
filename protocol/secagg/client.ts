/**
 * A site's side of the secure sum: double masking (Bonawitz et al. 2017, fig. 4), keys deposited one round ahead.
 * State and message in, next state and answer out; every check is the site's own (`walls.ts`).
 */

import { equalBytes } from '../bytes.ts'
import type { Mask, RingVector } from '../crypto/provider.ts'
import { roundOf } from '../wire/attempts.ts'
import { agreeWith, deal, type End, openShares, type Peer } from './dealing.ts'
import { type Group, groupOf } from './groups.ts'
import { bundleHash, pairSeed, pairSign, selfCommit, selfSeed, transcriptOf } from './masks.ts'
import type {
  Bundle,
  Consistency,
  MemberKeys,
  Nack,
  Reveal,
  RoundStart,
  SecureMessage,
  SessionKey,
  SignRequest,
  Unmask,
  Upload,
} from './messages.ts'
import { type AnswerLog, type AnswerRecord, decodeRecord, encodeRecord, newRecord, withReveal } from './record.ts'
import { bodies, type SignatureKind, signedBytes } from './signing.ts'
import { type SitePhase, siteTable } from './table.ts'
import * as walls from './walls.ts'

/** Who this site is and what it works with. */
export interface Party extends Omit<End, 'secret'> {
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
  readonly log: AnswerLog
}

export interface ClientState {
  /** X25519 secret of this session; lost with the process, on purpose. */
  readonly secret: Uint8Array
  readonly key: Uint8Array
  readonly peers: ReadonlyMap<number, Peer>
  /** The one-time secrets of the attempt to come. */
  readonly deposit: OwnDeposit | undefined
  readonly round: Round | undefined
  readonly record: AnswerRecord
  /** The last round this site took part in and was told the end of. */
  readonly chain: Link | undefined
}

interface Link {
  readonly round: number
  readonly transcript: Uint8Array
}

interface OwnDeposit {
  readonly attempt: number
  readonly maskSecret: Uint8Array
  readonly selfSecret: Uint8Array
  readonly maskKey: Uint8Array
  /** The share of both secrets that this site holds itself. */
  readonly ownShare: Uint8Array
}

interface Round {
  readonly phase: Exclude<SitePhase, 'idle'>
  readonly attempt: number
  readonly group: Group
  readonly stateHash: Uint8Array
  readonly transcript: Uint8Array
  readonly members: readonly MemberKeys[]
  /** Shares of both secrets of each dealer: 32 bytes of the mask key's, 32 of the self seed's. */
  readonly held: ReadonlyMap<number, Uint8Array>
  /** SHA-256 of the vector before it was masked. */
  readonly contribution: Uint8Array
  /** The one set of survivors this site has signed. */
  readonly survivors: readonly number[]
}

export interface Answered<T> {
  readonly state: ClientState
  readonly answer: T
}

export const phaseOf = ({ round }: ClientState): SitePhase => round?.phase ?? 'idle'

/** @throws ProtocolError ERR_UNEXPECTED_MESSAGE where the table has no answer to a message in this phase. */
export function expects({ session }: Party, state: ClientState, type: SecureMessage['type']): void {
  const phase = phaseOf(state)
  if (siteTable[session.formation.mode][phase][type] === 'refuse')
    throw walls.refused('ERR_UNEXPECTED_MESSAGE', `a site does not expect ${type} when it is ${phase}`)
}

/** Joins a session with a fresh key. */
export async function join(party: Party): Promise<Answered<SessionKey>> {
  const { provider, random, session, index } = party
  const secret = random.bytes(32)
  const key = await provider.x25519PublicKey(secret)
  const signature = await signed(party, 'sessionKey', bodies.sessionKey(session.id, { index, key }))
  const written = await party.log.load(session.id)
  const before = written === undefined ? undefined : decodeRecord(written)
  const record = before !== undefined && equalBytes(before.session, session.id) ? before : newRecord(session.id)
  const state = { secret, key, peers: new Map(), deposit: undefined, round: undefined, record, chain: undefined }
  return { state, answer: { index, key, signature } }
}

/** Deals fresh one-time secrets for an attempt to the members of its group whose session keys are given. */
export async function deposit(
  party: Party,
  state: ClientState,
  request: { readonly attempt: number; readonly peers: readonly SessionKey[] },
): Promise<Answered<Bundle>> {
  const { provider, random, session, index } = party
  const { attempt } = request
  walls.answeredOnce(state.record, attempt)
  const group = await groupOf(provider, session, { attempt, index })
  const keys = request.peers.filter((peer) => peer.index !== index && group.members.includes(peer.index))
  walls.inGroup(group, keys.map(memberIndex))
  const peers = await agreeWith(endOf(party, state), state.peers, keys)
  const maskSecret = random.bytes(32)
  const selfSecret = random.bytes(32)
  const { own, shares } = await deal(endOf(party, state), peers, { attempt, group, keys, maskSecret, selfSecret })
  const maskKey = await provider.x25519PublicKey(maskSecret)
  const commit = await selfCommit(provider, selfSecret)
  const sharesHash = await provider.sha256(bodies.shares(shares))
  const hash = await bundleHash(provider, session.id, { attempt, index, maskKey, selfCommit: commit, sharesHash })
  const signature = await signed(party, 'bundle', hash)
  // A deposit for another attempt takes the place of the one before: at most one waits.
  eraseDeposit(state.deposit)
  return {
    state: { ...state, peers, deposit: { attempt, maskSecret, selfSecret, maskKey, ownShare: own } },
    answer: { index, attempt, maskKey, selfCommit: commit, shares, signature },
  }
}

/**
 * Checks the start of a round against everything this site knows, and opens what it was dealt. Dealers whose share does
 * not open are complained about: the round goes on, this site holds nothing of theirs. @throws ProtocolError.
 */
export async function start(
  party: Party,
  state: ClientState,
  message: RoundStart,
  stateHash: Uint8Array,
): Promise<Answered<readonly Nack[]>> {
  const { session, index, provider } = party
  const { attempt, members } = message
  const body = bodies.roundStart(session.id, message)
  await walls.signedByCoordinator(party, { kind: 'roundStart', body, signature: message.signature })
  walls.answeredOnce(state.record, attempt)
  const own = state.deposit
  if (own?.attempt !== attempt) throw walls.refused('ERR_NO_DEPOSIT', `nothing was deposited for attempt ${attempt}`)
  walls.sameState(stateHash, message.stateHash)
  walls.notGoneBack(state.record, stateHash)
  if (state.chain?.round === roundOf(attempt) - 1) walls.goesOnFrom(state.chain.transcript, message.previous)
  const group = await groupOf(provider, session, { attempt, index })
  walls.inGroup(group, members.map(memberIndex))
  walls.enoughMembers(group, members.length)
  walls.holdsMyKeys(party, members, own.maskKey)
  await walls.keysAreSigned(party, attempt, members)
  walls.keysAreDistinct(members)
  const opened = await openShares(endOf(party, state), state.peers, message)
  const held = new Map(opened.held).set(index, own.ownShare)
  const transcript = await transcriptOf(provider, session, { attempt, stateHash, members })
  const round: Round = {
    ...{ phase: 'started', attempt, group, stateHash, transcript, members, held },
    ...{ contribution: new Uint8Array(32), survivors: [] },
  }
  eraseRound(state.round)
  const complaints = opened.unopened.map((dealer): Nack => ({ type: 'nack', attempt, dealer }))
  return { state: { ...state, peers: opened.peers, round }, answer: complaints }
}

/** y = x + PRG(self seed) + sum over higher peers of PRG(pair seed) - sum over lower peers, in place; then the secrets go. */
export async function mask(party: Party, state: ClientState, vector: RingVector): Promise<ClientState> {
  const { provider, index } = party
  const round = roundIn(state, 'started')
  const own = state.deposit
  if (own?.attempt !== round.attempt) throw new Error(`the secrets of attempt ${round.attempt} are gone`)
  const plain = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  const contribution = await provider.sha256(plain)
  walls.sameContribution(state.record, round.stateHash, contribution)
  const pairs = round.members
    .filter((member) => member.index !== index)
    .map(async (peer): Promise<Mask> => {
      const pair = { self: index, secret: own.maskSecret, peer: peer.index, peerKey: peer.maskKey }
      return { seed: await pairSeed(provider, round.transcript, pair), sign: pairSign(index, peer.index) }
    })
  const masks: Mask[] = [
    { seed: await selfSeed(provider, round.transcript, index, own.selfSecret), sign: 1 },
    ...(await Promise.all(pairs)),
  ]
  await provider.addMasks(vector, masks)
  for (const { seed } of masks) seed.fill(0)
  for (const secret of [own.maskSecret, own.selfSecret]) secret.fill(0)
  return { ...state, deposit: undefined, round: { ...round, phase: 'masked', contribution } }
}

/** Announces the masked vector and deposits for the next round. Recorded durably first: an attempt is answered once. */
export async function upload(
  party: Party,
  state: ClientState,
  vector: {
    readonly hash: Uint8Array
    readonly length: number
    readonly nextAttempt: number
    readonly peers: readonly SessionKey[]
  },
): Promise<Answered<Upload>> {
  const round = roundIn(state, 'masked')
  const { attempt, transcript } = round
  const record = { ...state.record, attempt }
  await party.log.commit(encodeRecord(record), party.session.id)
  const body = { attempt, transcript, vectorHash: vector.hash, vectorLength: vector.length }
  const signature = await signed(party, 'upload', bodies.upload(party.session.id, body))
  const uploaded: ClientState = { ...state, record, round: { ...round, phase: 'uploaded' } }
  const next = await deposit(party, uploaded, { attempt: vector.nextAttempt, peers: vector.peers })
  return { state: next.state, answer: { type: 'upload', ...body, next: next.answer, signature } }
}

/** Strict mode: signs the one set of survivors this site will unmask. */
export async function agree(party: Party, state: ClientState, message: SignRequest): Promise<Answered<Consistency>> {
  const round = roundFor(party, state, message)
  await checkSurvivors(party, state, { round, message, kind: 'signRequest' })
  const { survivors, attempt } = message
  const signature = await signed(party, 'consistency', bodies.consistency(round.transcript, survivors))
  const next: ClientState = { ...state, round: { ...round, phase: 'signed', survivors } }
  return { state: next, answer: { type: 'consistency', attempt, signature } }
}

/** Reveals one share a member, never both of one member and never twice: the kind follows from one list, and the shares are erased. */
export async function reveal(party: Party, state: ClientState, message: Unmask): Promise<Answered<Reveal>> {
  const round = roundFor(party, state, message)
  const { survivors, attempt } = message
  await checkSurvivors(party, state, { round, message, kind: 'unmask' })
  if (party.session.formation.mode === 'strict') {
    walls.asSigned(round.survivors, survivors)
    await walls.certified(party, round, message.certificate)
  }
  const { stateHash, contribution } = round
  const record = withReveal(state.record, { stateHash, survivors, contribution })
  await party.log.commit(encodeRecord(record), party.session.id)
  const shares = round.members.flatMap(({ index: of }) => {
    const both = round.held.get(of)
    return both === undefined ? [] : [{ of, share: walls.shareToReveal(both, survivors.includes(of)) }]
  })
  const signature = await signed(party, 'reveal', bodies.reveal(party.session.id, { attempt, shares }))
  eraseRound(round)
  const next: ClientState = { ...state, record, round: { ...round, phase: 'revealed', held: new Map() } }
  return { state: next, answer: { type: 'reveal', attempt, shares, signature } }
}

/** Ends the attempts up to and with `attempt`: their one-time secrets are overwritten. */
export function close(state: ClientState, attempt: number): ClientState {
  const deposit = state.deposit !== undefined && state.deposit.attempt <= attempt ? undefined : state.deposit
  const round = state.round !== undefined && state.round.attempt <= attempt ? undefined : state.round
  if (deposit === undefined) eraseDeposit(state.deposit)
  if (round === undefined) eraseRound(state.round)
  return { ...state, deposit, round }
}

/** Ends a round that was committed: the next one has to go on from it. */
export function commit(state: ClientState, attempt: number): ClientState {
  const { round } = state
  const chain = round?.attempt === attempt ? { round: roundOf(attempt), transcript: round.transcript } : state.chain
  return { ...close(state, attempt), chain }
}

/** Ends the session: nothing of it is left in memory. */
export function leave(state: ClientState): void {
  close(state, Number.MAX_SAFE_INTEGER)
  state.secret.fill(0)
  for (const { outgoing, incoming } of state.peers.values()) for (const key of [outgoing, incoming]) key.fill(0)
}

interface SurvivorList {
  readonly round: Round
  readonly message: SignRequest | Unmask
  readonly kind: 'signRequest' | 'unmask'
}

async function checkSurvivors(
  party: Party,
  { record }: ClientState,
  { round, message, kind }: SurvivorList,
): Promise<void> {
  const { survivors, signature } = message
  const body = bodies.survivors(party.session.id, message.attempt, survivors)
  await walls.signedByCoordinator(party, { kind, body, signature })
  walls.inGroup(round.group, survivors)
  walls.survivorsAreMembers(round.members, survivors)
  walls.iAmASurvivor(party, survivors)
  walls.enoughSurvivors(round.group, survivors)
  walls.sameSurvivors(record, round.stateHash, survivors)
}

/** The round a message is about, where the site is in the phase for it. */
function roundFor(party: Party, state: ClientState, message: SignRequest | Unmask): Round {
  expects(party, state, message.type)
  const { round } = state
  if (round === undefined || round.attempt !== message.attempt)
    throw walls.refused('ERR_UNEXPECTED_MESSAGE', `expected attempt ${round?.attempt}, found ${message.attempt}`)
  return round
}

function roundIn({ round }: ClientState, phase: SitePhase): Round {
  if (round?.phase !== phase) throw new Error(`expected a round ${phase}, found ${round?.phase ?? 'none'}`)
  return round
}

function eraseDeposit(own: OwnDeposit | undefined): void {
  if (own !== undefined) for (const secret of [own.maskSecret, own.selfSecret, own.ownShare]) secret.fill(0)
}

function eraseRound(round: Round | undefined): void {
  if (round !== undefined) for (const share of round.held.values()) share.fill(0)
}

const endOf = (party: Party, { secret }: ClientState): End => ({ ...party, secret })

const memberIndex = ({ index }: { readonly index: number }): number => index

const signed = async (party: Party, kind: SignatureKind, body: Uint8Array): Promise<Uint8Array> =>
  party.sign(await signedBytes(party.provider, kind, body))
