/**
 * A site's side of the secure sum: double masking (Bonawitz et al. 2017, fig. 4), keys deposited one round ahead,
 * strict mode. State and message in, next state and answer out; every check is the client's own.
 */

import nacl from 'tweetnacl'
import { concat, equalBytes, Writer } from '../bytes.ts'
import type { CryptoProvider, Mask, RingVector } from '../crypto/provider.ts'
import { split } from '../crypto/shamir.ts'
import { ProtocolError } from '../errors.ts'
import type { Random } from '../random.ts'
import { bundleHash, pairSeed, pairSign, sealKey, selfCommit, selfSeed, transcriptOf } from './masks.ts'
import {
  type Bundle,
  bodies,
  type Consistency,
  type MemberKeys,
  type Reveal,
  type RoundStart,
  type SealedShare,
  type SessionKey,
  type SignatureKind,
  type SignRequest,
  signedBytes,
  type Unmask,
  type Upload,
} from './messages.ts'
import { type AnswerLog, type AnswerRecord, decodeRecord, encodeRecord } from './record.ts'
import type { Session } from './session.ts'

/** Who this client is and what it works with. */
export interface Party {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly session: Session
  /** Position in the roster. */
  readonly index: number
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
  readonly log: AnswerLog
}

export interface ClientState {
  /** X25519 secret of this session; lost with the process, on purpose. */
  readonly secret: Uint8Array
  readonly key: Uint8Array
  /** One-time secrets of attempts not yet closed. */
  readonly deposits: ReadonlyMap<number, OwnDeposit>
  readonly round: Round | undefined
  readonly record: AnswerRecord
}

interface OwnDeposit {
  readonly maskSecret: Uint8Array
  readonly selfSecret: Uint8Array
  readonly maskKey: Uint8Array
  /** The share of both secrets that this client holds itself. */
  readonly ownShare: Uint8Array
}

interface Round {
  readonly phase: 'started' | 'uploaded' | 'signed'
  readonly attempt: number
  readonly stateHash: Uint8Array
  readonly transcript: Uint8Array
  readonly members: readonly MemberKeys[]
  /** Shares of both secrets of each dealer: 32 bytes of the mask key's, 32 of the self seed's. */
  readonly held: ReadonlyMap<number, Uint8Array>
  readonly survivors: readonly number[]
}

export interface Answered<T> {
  readonly state: ClientState
  readonly answer: T
}

/** A dealer's share could not be opened: the round goes on without that dealer, no secret was at stake yet. */
export class BadShare extends ProtocolError {
  readonly dealer: number

  constructor(dealer: number) {
    super('ERR_BAD_SHARE', `the share that member ${dealer} dealt cannot be opened`, String(dealer))
    this.dealer = dealer
  }
}

/** Joins a session with a fresh key. */
export async function join(party: Party): Promise<Answered<SessionKey>> {
  const { provider, random, session, index } = party
  const secret = random.bytes(32)
  const key = await provider.x25519PublicKey(secret)
  const signature = await signed(party, 'sessionKey', bodies.sessionKey(session.id, { index, key }))
  const written = await party.log.load()
  const before = written === undefined ? undefined : decodeRecord(written)
  const record =
    before !== undefined && equalBytes(before.session, session.id)
      ? before
      : { session: session.id, attempt: 0, revealed: undefined }
  return { state: { secret, key, deposits: new Map(), round: undefined, record }, answer: { index, key, signature } }
}

/** Deals fresh one-time secrets for an attempt to the peers whose session keys are given. */
export async function deposit(
  party: Party,
  state: ClientState,
  request: { readonly attempt: number; readonly peers: readonly SessionKey[] },
): Promise<Answered<Bundle>> {
  const { provider, random, session, index } = party
  const { attempt } = request
  if (attempt <= state.record.attempt)
    throw refused('ERR_REPLAY', `attempt ${attempt} is over, ${state.record.attempt} was answered`)
  const peers = await verifiedPeers(party, request.peers)
  const maskSecret = random.bytes(32)
  const selfSecret = random.bytes(32)
  const points = [index, ...peers.map((peer) => peer.index)].map((member) => member + 1)
  const [own, ...dealt] = split(concat(maskSecret, selfSecret), {
    threshold: session.thresholds.threshold,
    points,
    random,
  })
  const shares = await Promise.all(
    peers.map((peer, i) => sealShare(party, state, { peer, attempt, share: dealt[i].bytes })),
  )
  const maskKey = await provider.x25519PublicKey(maskSecret)
  const commit = await selfCommit(provider, selfSecret)
  const hash = await bundleHash(provider, session.id, {
    attempt,
    index,
    maskKey,
    selfCommit: commit,
    sharesHash: await sharesHash(provider, shares),
  })
  const bundle: Bundle = {
    index,
    attempt,
    maskKey,
    selfCommit: commit,
    shares,
    signature: await signed(party, 'bundle', hash),
  }
  const deposits = new Map(state.deposits).set(attempt, { maskSecret, selfSecret, maskKey, ownShare: own.bytes })
  return { state: { ...state, deposits }, answer: bundle }
}

/** Checks the start of a round against everything this client knows. @throws BadShare, ProtocolError. */
export async function start(
  party: Party,
  state: ClientState,
  message: RoundStart,
  stateHash: Uint8Array,
): Promise<ClientState> {
  const { session, index } = party
  const { attempt, members } = message
  await verifyCoordinator(party, 'roundStart', bodies.roundStart(session.id, message), message.signature)
  if (attempt <= state.record.attempt)
    throw refused('ERR_REPLAY', `attempt ${attempt} is over, ${state.record.attempt} was answered`)
  const own = state.deposits.get(attempt)
  if (own === undefined) throw refused('ERR_NO_DEPOSIT', `nothing was deposited for attempt ${attempt}`)
  if (!equalBytes(message.stateHash, stateHash))
    throw refused('ERR_STATE_MISMATCH', 'the round starts from a state that is not the one computed here')
  checkIndices(
    members.map((member) => member.index),
    session,
  )
  if (members.length < session.thresholds.minimum)
    throw refused(
      'ERR_COHORT_TOO_SMALL',
      `a round needs ${session.thresholds.minimum} sites, ${members.length} are in it`,
    )
  const mine = members.find((member) => member.index === index)
  if (mine === undefined || !equalBytes(mine.maskKey, own.maskKey))
    throw refused('ERR_NOT_A_MEMBER', 'the round does not hold the keys deposited here')
  await verifyMembers(party, attempt, members)
  const held = new Map(await openShares(party, state, message)).set(index, own.ownShare)
  const transcript = await transcriptOf(party.provider, session, { attempt, stateHash, members })
  return { ...state, round: { phase: 'started', attempt, stateHash, transcript, members, held, survivors: [] } }
}

/** y = x + PRG(self seed) + sum over higher peers of PRG(pair seed) - sum over lower peers, in place. */
export async function mask(party: Party, state: ClientState, vector: RingVector): Promise<void> {
  const { provider, index } = party
  const { transcript, members, attempt } = roundIn(state, 'started')
  const { maskSecret, selfSecret } = secretsOf(state, attempt)
  const pairs = members
    .filter((member) => member.index !== index)
    .map(async (peer): Promise<Mask> => {
      const seed = await pairSeed(provider, transcript, {
        self: index,
        secret: maskSecret,
        peer: peer.index,
        peerKey: peer.maskKey,
      })
      return { seed, sign: pairSign(index, peer.index) }
    })
  const masks: Mask[] = [
    { seed: await selfSeed(provider, transcript, index, selfSecret), sign: 1 },
    ...(await Promise.all(pairs)),
  ]
  await provider.addMasks(vector, masks)
  for (const { seed } of masks) seed.fill(0)
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
  const round = roundIn(state, 'started')
  const record = { ...state.record, attempt: round.attempt }
  await party.log.commit(encodeRecord(record))
  const uploaded: ClientState = { ...state, record, round: { ...round, phase: 'uploaded' } }
  const body = {
    attempt: round.attempt,
    transcript: round.transcript,
    vectorHash: vector.hash,
    vectorLength: vector.length,
  }
  const signature = await signed(party, 'upload', bodies.upload(party.session.id, body))
  const next = await deposit(party, uploaded, { attempt: vector.nextAttempt, peers: vector.peers })
  return { state: next.state, answer: { type: 'upload', ...body, next: next.answer, signature } }
}

/** Signs the one set of survivors this client will unmask. */
export async function agree(party: Party, state: ClientState, message: SignRequest): Promise<Answered<Consistency>> {
  const round = roundIn(state, 'uploaded', message.attempt)
  await verifyCoordinator(
    party,
    'signRequest',
    bodies.survivors(party.session.id, message.attempt, message.survivors),
    message.signature,
  )
  checkSurvivors(party, state, round, message.survivors)
  const signature = await signed(party, 'consistency', bodies.consistency(round.transcript, message.survivors))
  const next: ClientState = { ...state, round: { ...round, phase: 'signed', survivors: message.survivors } }
  return { state: next, answer: { type: 'consistency', attempt: round.attempt, signature } }
}

/**
 * Reveals one share a member: the self seed's of a survivor, the mask key's of a drop-out. Never both of one member,
 * because the kind follows from membership in one list; never twice, because the secrets are erased.
 */
export async function reveal(party: Party, state: ClientState, message: Unmask): Promise<Answered<Reveal>> {
  const round = roundIn(state, 'signed', message.attempt)
  const { survivors, certificate } = message
  await verifyCoordinator(
    party,
    'unmask',
    bodies.survivors(party.session.id, message.attempt, survivors),
    message.signature,
  )
  if (!sameIndices(survivors, round.survivors))
    throw refused('ERR_SURVIVORS_CHANGED', 'the survivors are not those that were signed')
  await verifyCertificate(party, round, certificate)
  const record = { ...state.record, revealed: { stateHash: round.stateHash, survivors } }
  await party.log.commit(encodeRecord(record))
  const shares = round.members.flatMap(({ index: of }) => {
    const both = round.held.get(of)
    if (both === undefined) return []
    return [{ of, share: survivors.includes(of) ? both.slice(32, 64) : both.slice(0, 32) }]
  })
  const signature = await signed(party, 'reveal', bodies.reveal(party.session.id, { attempt: round.attempt, shares }))
  return {
    state: close({ ...state, record }, round.attempt),
    answer: { type: 'reveal', attempt: round.attempt, shares, signature },
  }
}

/** Ends the attempts up to and with `attempt`: their one-time secrets are overwritten. */
export function close(state: ClientState, attempt: number): ClientState {
  const deposits = new Map(state.deposits)
  for (const [of, own] of state.deposits) {
    if (of > attempt) continue
    for (const secret of [own.maskSecret, own.selfSecret, own.ownShare]) secret.fill(0)
    deposits.delete(of)
  }
  if (state.round === undefined || state.round.attempt > attempt) return { ...state, deposits }
  for (const share of state.round.held.values()) share.fill(0)
  return { ...state, deposits, round: undefined }
}

async function verifiedPeers(party: Party, peers: readonly SessionKey[]): Promise<readonly SessionKey[]> {
  const others = peers.filter((peer) => peer.index !== party.index)
  checkIndices(
    others.map((peer) => peer.index),
    party.session,
  )
  for (const peer of others) {
    await verifySite(party, peer.index, 'sessionKey', bodies.sessionKey(party.session.id, peer), peer.signature)
  }
  return others
}

async function sealShare(
  party: Party,
  state: ClientState,
  { peer, attempt, share }: { readonly peer: SessionKey; readonly attempt: number; readonly share: Uint8Array },
): Promise<SealedShare> {
  const key = await sealKey(party.provider, party.session.id, {
    from: party.index,
    to: peer.index,
    secret: state.secret,
    peerKey: peer.key,
  })
  const nonce = party.random.bytes(24)
  const plain = new Writer().uint64(attempt).raw(share).finish()
  const sealed = concat(nonce, nacl.secretbox(plain, nonce, key))
  plain.fill(0)
  return { peer: peer.index, key: peer.key, sealed }
}

async function openShares(party: Party, state: ClientState, message: RoundStart): Promise<[number, Uint8Array][]> {
  const inRound = new Set(message.members.map((member) => member.index))
  const senders = new Map((await verifiedPeers(party, message.peers)).map((peer) => [peer.index, peer.key]))
  return Promise.all(
    message.sealed.map(async ({ peer, sealed }): Promise<[number, Uint8Array]> => {
      const senderKey = senders.get(peer)
      if (!inRound.has(peer) || peer === party.index || senderKey === undefined)
        throw refused('ERR_NOT_A_MEMBER', `a share came from ${peer}, who is not in the round`)
      const key = await sealKey(party.provider, party.session.id, {
        from: peer,
        to: party.index,
        secret: state.secret,
        peerKey: senderKey,
      })
      const plain = nacl.secretbox.open(sealed.subarray(24), sealed.subarray(0, 24), key)
      if (plain === null || !equalBytes(plain.subarray(0, 8), new Writer().uint64(message.attempt).finish()))
        throw new BadShare(peer)
      return [peer, plain.slice(8)]
    }),
  )
}

async function verifyMembers(party: Party, attempt: number, members: readonly MemberKeys[]): Promise<void> {
  for (const member of members) {
    const hash = await bundleHash(party.provider, party.session.id, { ...member, attempt })
    await verifySite(party, member.index, 'bundle', hash, member.signature)
    if (members.some((other) => other.index !== member.index && equalBytes(other.maskKey, member.maskKey))) {
      throw refused('ERR_KEY_REUSED', `members ${member.index} and another have the same mask key`)
    }
  }
}

/** The walls around unmasking: myself among them, enough of them, all of the round, and no second set for one state. */
function checkSurvivors(party: Party, state: ClientState, round: Round, survivors: readonly number[]): void {
  const { thresholds } = party.session
  checkIndices(survivors, party.session)
  const members = new Set(round.members.map((member) => member.index))
  if (survivors.some((index) => !members.has(index)))
    throw refused('ERR_SURVIVORS_UNKNOWN', 'a survivor is not in the round')
  if (!survivors.includes(party.index))
    throw refused('ERR_SURVIVORS_WITHOUT_ME', 'this site has uploaded and is not among the survivors')
  if (survivors.length < thresholds.minimum) {
    throw refused('ERR_TOO_FEW_SURVIVORS', `unmasking needs ${thresholds.minimum} sites, ${survivors.length} are left`)
  }
  const { revealed } = state.record
  if (
    revealed !== undefined &&
    equalBytes(revealed.stateHash, round.stateHash) &&
    !sameIndices(revealed.survivors, survivors)
  ) {
    // Two sums over one state with other survivors would show the difference: one site's contribution.
    throw refused('ERR_DIFFERENCING', 'shares for this state were revealed with other survivors')
  }
}

async function verifyCertificate(party: Party, round: Round, certificate: Unmask['certificate']): Promise<void> {
  const signers = new Set<number>()
  const body = bodies.consistency(round.transcript, round.survivors)
  for (const { index, signature } of certificate) {
    checkIndices([index], party.session)
    await verifySite(party, index, 'consistency', body, signature)
    signers.add(index)
  }
  if (signers.size < party.session.thresholds.threshold) {
    throw refused(
      'ERR_CERTIFICATE',
      `${party.session.thresholds.threshold} sites must have signed the same survivors, ${signers.size} did`,
    )
  }
}

function checkIndices(indices: readonly number[], session: Session): void {
  for (const [i, index] of indices.entries()) {
    if (index >= session.roster.length || (i > 0 && index <= indices[i - 1])) {
      throw refused(
        'ERR_MEMBER_LIST',
        `expected distinct members of the roster in ascending order, found ${indices.join(', ')}`,
      )
    }
  }
}

async function verifySite(
  party: Party,
  index: number,
  kind: SignatureKind,
  body: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  const { identity, name } = party.session.roster[index]
  const message = await signedBytes(party.provider, kind, body)
  if (!(await party.provider.ed25519Verify(identity, message, signature))) {
    throw new ProtocolError('ERR_SIGNATURE', `the ${kind} of ${name} does not carry its signature`, name)
  }
}

async function verifyCoordinator(
  party: Party,
  kind: SignatureKind,
  body: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  const message = await signedBytes(party.provider, kind, body)
  if (!(await party.provider.ed25519Verify(party.session.coordinator, message, signature))) {
    throw new ProtocolError('ERR_SIGNATURE', `the ${kind} does not carry the coordinator's signature`, 'coordinator')
  }
}

const signed = async (party: Party, kind: SignatureKind, body: Uint8Array): Promise<Uint8Array> =>
  party.sign(await signedBytes(party.provider, kind, body))

function roundIn(state: ClientState, phase: Round['phase'], attempt = state.round?.attempt): Round {
  const { round } = state
  if (round === undefined || round.phase !== phase || round.attempt !== attempt) {
    throw refused(
      'ERR_UNEXPECTED_MESSAGE',
      `expected a round ${phase}, found ${round === undefined ? 'none' : `attempt ${round.attempt} ${round.phase}`}`,
    )
  }
  return round
}

function secretsOf(state: ClientState, attempt: number): OwnDeposit {
  const own = state.deposits.get(attempt)
  if (own === undefined) throw new Error(`the secrets of attempt ${attempt} are gone`)
  return own
}

const sameIndices = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((index, i) => index === b[i])

export const sharesHash = (provider: CryptoProvider, shares: readonly SealedShare[]): Promise<Uint8Array> =>
  provider.sha256(bodies.shares(shares))

const refused = (code: `ERR_${string}`, message: string): ProtocolError =>
  new ProtocolError(code, message, 'coordinator')
