/**
 * The coordinator's side of the secure sum: an untrusted adder. It relays keys and shares, adds masked vectors as they
 * come. What it opens, and how, stands in `recover.ts`.
 */

import { equalBytes } from '../bytes.ts'
import type { CryptoProvider, RingVector } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'
import type { Group } from './groups.ts'
import { bundleHash, transcriptOf } from './masks.ts'
import type {
  Bundle,
  Consistency,
  MemberKeys,
  Nack,
  Reveal,
  RoundStart,
  SessionKey,
  SignRequest,
  Unmask,
  Upload,
} from './messages.ts'
import type { Session } from './session.ts'
import { bodies, type SignatureKind, signedBytes } from './signing.ts'

export interface Adder {
  readonly provider: CryptoProvider
  readonly session: Session
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}

export interface Deposited {
  readonly bundle: Bundle
  readonly keys: MemberKeys
}

/** One attempt at a round in one group. The accumulator is the only vector held, however many sites there are. */
export interface ServerRound {
  readonly attempt: number
  readonly group: Group
  readonly stateHash: Uint8Array
  readonly transcript: Uint8Array
  readonly previous: readonly Uint8Array[]
  readonly deposits: ReadonlyMap<number, Deposited>
  /** By dealer: the members that hold a share of it, itself included. */
  readonly holders: ReadonlyMap<number, ReadonlySet<number>>
  /** By dealer: the members that could not open theirs. */
  readonly complaints: ReadonlyMap<number, ReadonlySet<number>>
  readonly sum: RingVector
  readonly uploaded: ReadonlySet<number>
  readonly survivors: readonly number[]
  readonly consistent: ReadonlyMap<number, Uint8Array>
  readonly revealed: ReadonlyMap<number, Reveal>
}

/** @throws ProtocolError ERR_SIGNATURE. */
export async function checkSessionKey(adder: Adder, key: SessionKey): Promise<void> {
  await verifySite(adder, key.index, {
    kind: 'sessionKey',
    body: bodies.sessionKey(adder.session.id, key),
    signature: key.signature,
  })
}

/** Checks a deposit before it is kept. */
export async function checkBundle(adder: Adder, from: number, bundle: Bundle): Promise<Deposited> {
  if (bundle.index !== from)
    throw new ProtocolError('ERR_IMPERSONATION', `member ${from} deposited for ${bundle.index}`, nameOf(adder, from))
  const { index, maskKey, selfCommit, signature } = bundle
  const sharesHash = await adder.provider.sha256(bodies.shares(bundle.shares))
  const keys: MemberKeys = { index, maskKey, selfCommit, sharesHash, signature }
  const body = await bundleHash(adder.provider, adder.session.id, { ...keys, attempt: bundle.attempt })
  await verifySite(adder, from, { kind: 'bundle', body, signature })
  return { bundle, keys }
}

/** What a group has to open a round with. */
export interface Opening {
  readonly attempt: number
  readonly group: Group
  readonly stateHash: Uint8Array
  /** Transcripts of the last round that was committed. */
  readonly previous: readonly Uint8Array[]
  readonly deposits: ReadonlyMap<number, Deposited>
  readonly keys: ReadonlyMap<number, SessionKey>
  readonly zero: RingVector
}

/** Opens a round over the deposits of the group's members that dealt their secrets to at least the threshold of the others. */
export async function openRound(adder: Adder, opening: Opening): Promise<ServerRound> {
  const { attempt, group, stateHash, previous } = opening
  const { minimum, threshold } = group.thresholds
  const offered = new Map([...opening.deposits].filter(([index]) => group.members.includes(index)))
  const dealt = holdersOf({ ...opening, deposits: offered })
  const admitted = [...offered].filter(([index]) => (dealt.get(index)?.size ?? 0) >= threshold)
  const deposits = new Map(admitted.sort(([a], [b]) => a - b))
  if (deposits.size < minimum)
    throw new ProtocolError('ERR_COHORT_TOO_SMALL', `a round needs ${minimum} sites, ${deposits.size} are ready`)
  const members = membersOf(deposits)
  return {
    ...{ attempt, group, stateHash, previous, deposits },
    transcript: await transcriptOf(adder.provider, adder.session, { attempt, stateHash, members }),
    holders: holdersOf({ ...opening, deposits }),
    complaints: new Map(),
    sum: opening.zero,
    uploaded: new Set(),
    survivors: [],
    consistent: new Map(),
    revealed: new Map(),
  }
}

/** Shares sealed to a key that its owner has replaced since cannot be opened: a restarted member holds none. */
function holdersOf({ deposits, keys }: Pick<Opening, 'deposits' | 'keys'>): ReadonlyMap<number, ReadonlySet<number>> {
  return new Map(
    [...deposits].map(([dealer, { bundle }]) => {
      const current = bundle.shares.filter((share) => deposits.has(share.peer) && isCurrent(share, keys))
      return [dealer, new Set([dealer, ...current.map((share) => share.peer)])]
    }),
  )
}

const isCurrent = (share: Bundle['shares'][number], keys: ReadonlyMap<number, SessionKey>): boolean => {
  const current = keys.get(share.peer)
  return current !== undefined && equalBytes(current.key, share.key)
}

export interface Introductions {
  readonly keys: ReadonlyMap<number, SessionKey>
  /** The groups of the next round: each member deals to its own of them while it answers this one. */
  readonly next: readonly Group[]
}

/** What each member is told at the start: everybody's keys, and the shares sealed to it. */
export async function roundStarts(
  adder: Adder,
  round: ServerRound,
  { keys, next }: Introductions,
): Promise<ReadonlyMap<number, RoundStart>> {
  const { attempt, stateHash, previous } = round
  const members = membersOf(round.deposits)
  const body = { attempt, stateHash, previous, members }
  const signature = await signed(adder, 'roundStart', bodies.roundStart(adder.session.id, body))
  return new Map(
    members.map(({ index: to }) => {
      const sealed = [...round.deposits].flatMap(([from, { bundle }]) =>
        bundle.shares
          .filter((share) => share.peer === to && isCurrent(share, keys))
          .map((share) => ({ ...share, peer: from })),
      )
      const later = next.find((group) => group.members.includes(to))?.members ?? []
      const known = [...new Set([...round.deposits.keys(), ...later])].sort((a, b) => a - b)
      const peers = known.flatMap((index) => keys.get(index) ?? [])
      return [to, { type: 'round-start', ...body, sealed, peers, signature }]
    }),
  )
}

/** A member could not open what it was dealt: it counts as holding nothing of that dealer. */
export function takeNack(adder: Adder, round: ServerRound, from: number, { dealer, attempt }: Nack): ServerRound {
  if (attempt !== round.attempt || !round.deposits.has(from) || !round.deposits.has(dealer))
    throw broken(adder, from, 'ERR_UNEXPECTED_MESSAGE', 'only members of the round complain, of members of it')
  const complaints = new Set(round.complaints.get(dealer)).add(from)
  return { ...round, complaints: new Map(round.complaints).set(dealer, complaints) }
}

/** Adds a masked vector whose bytes hash to what was signed. Late and repeated ones are refused. */
export async function takeUpload(
  adder: Adder,
  round: ServerRound,
  from: number,
  upload: { readonly message: Upload; readonly vector: RingVector },
): Promise<ServerRound> {
  const { message, vector } = upload
  if (round.survivors.length > 0) throw broken(adder, from, 'ERR_LATE_UPLOAD', 'the uploads of this round are closed')
  if (!round.deposits.has(from) || round.uploaded.has(from))
    throw broken(adder, from, 'ERR_UNEXPECTED_MESSAGE', 'one upload a member of the round is taken')
  if (message.attempt !== round.attempt || !equalBytes(message.transcript, round.transcript)) {
    throw broken(adder, from, 'ERR_TRANSCRIPT', 'the upload was masked for another round')
  }
  if (vector.length !== round.sum.length)
    throw broken(adder, from, 'ERR_VECTOR_LENGTH', `expected ${round.sum.length} numbers, found ${vector.length}`)
  await verifySite(adder, from, {
    kind: 'upload',
    body: bodies.upload(adder.session.id, message),
    signature: message.signature,
  })
  addInto(round.sum, vector)
  return { ...round, uploaded: new Set(round.uploaded).add(from) }
}

/**
 * Closes the uploads; from here on the survivors are fixed. @throws ProtocolError ERR_TOO_FEW_SURVIVORS; ERR_BAD_SHARE
 * where so many could not open a dealer's shares that its masks would stay in the sum: nothing was asked or learned.
 */
export async function closeUploads(
  adder: Adder,
  round: ServerRound,
): Promise<{ readonly round: ServerRound; readonly request: SignRequest }> {
  const survivors = [...round.uploaded].sort((a, b) => a - b)
  const { minimum } = round.group.thresholds
  if (survivors.length < minimum)
    throw new ProtocolError(
      'ERR_TOO_FEW_SURVIVORS',
      `unmasking needs ${minimum} sites, ${survivors.length} sent their contribution`,
    )
  for (const dealer of round.deposits.keys()) checkOpenable(adder, round, { dealer, survivors })
  const signature = await signed(adder, 'signRequest', bodies.survivors(adder.session.id, round.attempt, survivors))
  return {
    round: { ...round, survivors },
    request: { type: 'sign-request', attempt: round.attempt, survivors, signature },
  }
}

/** The dealer is named where more complain than collude: one of them is honest. */
function checkOpenable(
  adder: Adder,
  { group, holders, complaints }: ServerRound,
  { dealer, survivors }: { readonly dealer: number; readonly survivors: readonly number[] },
): void {
  const against = complaints.get(dealer) ?? new Set<number>()
  const can = survivors.filter((index) => holders.get(dealer)?.has(index) === true && !against.has(index)).length
  const { threshold, colluding } = group.thresholds
  if (can >= threshold) return
  const named = against.size > colluding ? nameOf(adder, dealer) : undefined
  throw new ProtocolError(
    against.size === 0 ? 'ERR_TOO_FEW_SHARES' : 'ERR_BAD_SHARE',
    `${can} survivors hold a share of ${nameOf(adder, dealer)}, ${threshold} are needed; ${against.size} could not open theirs`,
    named,
  )
}

export async function takeConsistency(
  adder: Adder,
  round: ServerRound,
  from: number,
  message: Consistency,
): Promise<ServerRound> {
  if (!round.survivors.includes(from) || message.attempt !== round.attempt)
    throw broken(adder, from, 'ERR_UNEXPECTED_MESSAGE', 'only survivors sign')
  await verifySite(adder, from, {
    kind: 'consistency',
    body: bodies.consistency(round.transcript, round.survivors),
    signature: message.signature,
  })
  return { ...round, consistent: new Map(round.consistent).set(from, message.signature) }
}

/** In strict mode with the certificate. @throws ProtocolError ERR_CERTIFICATE when too few have signed. */
export async function requestReveal(adder: Adder, round: ServerRound): Promise<Unmask> {
  const { threshold } = round.group.thresholds
  if (adder.session.formation.mode === 'strict' && round.consistent.size < threshold)
    throw new ProtocolError(
      'ERR_CERTIFICATE',
      `${threshold} sites must sign the survivors, ${round.consistent.size} did`,
    )
  const signature = await signed(adder, 'unmask', bodies.survivors(adder.session.id, round.attempt, round.survivors))
  const certificate = [...round.consistent].map(([index, of]) => ({ index, signature: of }))
  return { type: 'unmask', attempt: round.attempt, survivors: round.survivors, certificate, signature }
}

export async function takeReveal(
  adder: Adder,
  round: ServerRound,
  from: number,
  message: Reveal,
): Promise<ServerRound> {
  if (!round.survivors.includes(from) || message.attempt !== round.attempt || round.revealed.has(from)) {
    throw broken(adder, from, 'ERR_UNEXPECTED_MESSAGE', 'one answer a survivor is taken')
  }
  await verifySite(adder, from, {
    kind: 'reveal',
    body: bodies.reveal(adder.session.id, message),
    signature: message.signature,
  })
  return { ...round, revealed: new Map(round.revealed).set(from, message) }
}

export function addInto(sum: RingVector, vector: RingVector): void {
  if (sum instanceof Int32Array && vector instanceof Int32Array)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] + vector[i]) | 0
  else if (sum instanceof BigInt64Array && vector instanceof BigInt64Array)
    for (let i = 0; i < sum.length; i++) sum[i] += vector[i]
  else throw new Error('two rings in one sum')
}

export const membersOf = (deposits: ReadonlyMap<number, Deposited>): MemberKeys[] =>
  [...deposits.values()].map(({ keys }) => keys)

interface Signed {
  readonly kind: SignatureKind
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

async function verifySite(adder: Adder, index: number, { kind, body, signature }: Signed): Promise<void> {
  const { identity, name } = adder.session.roster[index]
  if (!(await adder.provider.ed25519Verify(identity, await signedBytes(adder.provider, kind, body), signature))) {
    throw new ProtocolError('ERR_SIGNATURE', `the ${kind} of ${name} does not carry its signature`, name)
  }
}

const signed = async (adder: Adder, kind: SignatureKind, body: Uint8Array): Promise<Uint8Array> =>
  adder.sign(await signedBytes(adder.provider, kind, body))

export const nameOf = (adder: Adder, index: number): string => adder.session.roster[index].name

const broken = (adder: Adder, from: number, code: `ERR_${string}`, message: string): ProtocolError =>
  new ProtocolError(code, message, nameOf(adder, from))
