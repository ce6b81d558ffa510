/**
 * The coordinator's side of the secure sum: an untrusted adder. It relays keys and shares, adds masked vectors as they
 * come, and opens only what cancels: the self masks of survivors and the pair masks of drop-outs.
 */

import { equalBytes } from '../bytes.ts'
import { type Decoded, decodeShares } from '../crypto/decoding.ts'
import type { CryptoProvider, Mask, RingVector } from '../crypto/provider.ts'
import { combine, type Share } from '../crypto/shamir.ts'
import { ProtocolError } from '../errors.ts'
import { sharesHash } from './client.ts'
import { bundleHash, pairSeed, pairSign, selfCommit, selfSeed, transcriptOf } from './masks.ts'
import {
  type Bundle,
  bodies,
  type Consistency,
  type MemberKeys,
  type Reveal,
  type RoundStart,
  type SessionKey,
  type SignatureKind,
  type SignRequest,
  signedBytes,
  type Unmask,
  type Upload,
} from './messages.ts'
import type { Session } from './session.ts'

export interface Adder {
  readonly provider: CryptoProvider
  readonly session: Session
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}

export interface Deposited {
  readonly bundle: Bundle
  readonly keys: MemberKeys
}

/** One attempt at a round. The accumulator is the only vector held, however many sites there are. */
export interface ServerRound {
  readonly attempt: number
  readonly stateHash: Uint8Array
  readonly transcript: Uint8Array
  readonly deposits: ReadonlyMap<number, Deposited>
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
  const keys: MemberKeys = { ...bundle, sharesHash: await sharesHash(adder.provider, bundle.shares) }
  const body = await bundleHash(adder.provider, adder.session.id, { ...keys, attempt: bundle.attempt })
  await verifySite(adder, from, { kind: 'bundle', body, signature: bundle.signature })
  return {
    bundle,
    keys: {
      index: keys.index,
      maskKey: keys.maskKey,
      selfCommit: keys.selfCommit,
      sharesHash: keys.sharesHash,
      signature: keys.signature,
    },
  }
}

/** The deposits that can make a round: each dealt its secrets to at least the threshold of the others in it. */
export function admissible(
  adder: Adder,
  deposits: ReadonlyMap<number, Deposited>,
  keys: ReadonlyMap<number, SessionKey>,
): ReadonlyMap<number, Deposited> {
  const { threshold } = adder.session.thresholds
  const holders = ({ bundle }: Deposited): number =>
    1 + bundle.shares.filter((share) => deposits.has(share.peer) && isCurrent(share, keys)).length
  return new Map([...deposits].filter(([, deposited]) => holders(deposited) >= threshold).sort(([a], [b]) => a - b))
}

const isCurrent = (share: Bundle['shares'][number], keys: ReadonlyMap<number, SessionKey>): boolean => {
  const current = keys.get(share.peer)
  return current !== undefined && equalBytes(current.key, share.key)
}

/** Opens a round over `deposits`, ascending by member. */
export async function openRound(
  adder: Adder,
  round: {
    readonly attempt: number
    readonly stateHash: Uint8Array
    readonly deposits: ReadonlyMap<number, Deposited>
    readonly zero: RingVector
  },
): Promise<ServerRound> {
  const { attempt, stateHash, deposits } = round
  const { minimum } = adder.session.thresholds
  if (deposits.size < minimum)
    throw new ProtocolError('ERR_COHORT_TOO_SMALL', `a round needs ${minimum} sites, ${deposits.size} are ready`)
  const transcript = await transcriptOf(adder.provider, adder.session, {
    attempt,
    stateHash,
    members: membersOf(deposits),
  })
  return {
    attempt,
    stateHash,
    transcript,
    deposits,
    sum: round.zero,
    uploaded: new Set(),
    survivors: [],
    consistent: new Map(),
    revealed: new Map(),
  }
}

/** What each member is told at the start: everybody's keys, and the shares sealed to it. */
export async function roundStarts(
  adder: Adder,
  round: ServerRound,
  keys: ReadonlyMap<number, SessionKey>,
): Promise<ReadonlyMap<number, RoundStart>> {
  const members = membersOf(round.deposits)
  const body = { attempt: round.attempt, stateHash: round.stateHash, members }
  const signature = await signed(adder, 'roundStart', bodies.roundStart(adder.session.id, body))
  const peers = [...round.deposits.keys()].flatMap((index) => keys.get(index) ?? [])
  return new Map(
    members.map(({ index: to }) => {
      const sealed = [...round.deposits].flatMap(([from, { bundle }]) =>
        bundle.shares
          .filter((share) => share.peer === to && isCurrent(share, keys))
          .map((share) => ({ ...share, peer: from })),
      )
      return [to, { type: 'round-start', ...body, sealed, peers, signature }]
    }),
  )
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

/** Closes the uploads; from here on the survivors are fixed. @throws ProtocolError ERR_TOO_FEW_SURVIVORS. */
export async function closeUploads(
  adder: Adder,
  round: ServerRound,
): Promise<{ readonly round: ServerRound; readonly request: SignRequest }> {
  const survivors = [...round.uploaded].sort((a, b) => a - b)
  const { minimum } = adder.session.thresholds
  if (survivors.length < minimum)
    throw new ProtocolError(
      'ERR_TOO_FEW_SURVIVORS',
      `unmasking needs ${minimum} sites, ${survivors.length} sent their contribution`,
    )
  const signature = await signed(adder, 'signRequest', bodies.survivors(adder.session.id, round.attempt, survivors))
  return {
    round: { ...round, survivors },
    request: { type: 'sign-request', attempt: round.attempt, survivors, signature },
  }
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

/** @throws ProtocolError ERR_CERTIFICATE when too few have signed. */
export async function requestReveal(adder: Adder, round: ServerRound): Promise<Unmask> {
  const { threshold } = adder.session.thresholds
  if (round.consistent.size < threshold)
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

export interface Unmasked {
  readonly sum: RingVector
  /** Members whose shares were found wrong and corrected. */
  readonly liars: readonly number[]
}

/** Takes the masks off the sum, in place. @throws ProtocolError ERR_TOO_FEW_SHARES, ERR_BAD_SHARE: then nothing is learned. */
export async function unmask(adder: Adder, round: ServerRound): Promise<Unmasked> {
  const { threshold } = adder.session.thresholds
  if (round.revealed.size < threshold)
    throw new ProtocolError('ERR_TOO_FEW_SHARES', `${threshold} sites must reveal shares, ${round.revealed.size} did`)
  const masks: Mask[] = []
  const liars = new Set<number>()
  for (const [index, { keys }] of round.deposits) {
    const survived = round.survivors.includes(index)
    const { secret, wrong } = await openSecret(adder, round, { keys, opens: survived ? opensSelfSeed : opensMaskKey })
    for (const point of wrong) liars.add(point - 1)
    if (survived) masks.push({ seed: await selfSeed(adder.provider, round.transcript, index, secret), sign: -1 })
    else masks.push(...(await pairMasks(adder, round, { index, secret })))
    secret.fill(0)
  }
  await adder.provider.addMasks(round.sum, masks)
  for (const { seed } of masks) seed.fill(0)
  return { sum: round.sum, liars: [...liars] }
}

/** Whether a secret is the one that a member has committed to. */
type Opens = (provider: CryptoProvider, secret: Uint8Array, keys: MemberKeys) => Promise<boolean>

const opensSelfSeed: Opens = async (provider, secret, keys) =>
  equalBytes(await selfCommit(provider, secret), keys.selfCommit)

const opensMaskKey: Opens = async (provider, secret, keys) =>
  equalBytes(await provider.x25519PublicKey(secret), keys.maskKey)

/** What a drop-out's peers added or subtracted for it is still in the sum: the opposite takes it out. */
function pairMasks(
  { provider }: Adder,
  round: ServerRound,
  { index, secret }: { readonly index: number; readonly secret: Uint8Array },
): Promise<Mask[]> {
  return Promise.all(
    membersOf(round.deposits)
      .filter((peer) => round.survivors.includes(peer.index))
      .map(async (peer): Promise<Mask> => {
        const seed = await pairSeed(provider, round.transcript, {
          self: index,
          secret,
          peer: peer.index,
          peerKey: peer.maskKey,
        })
        return { seed, sign: pairSign(peer.index, index) === 1 ? -1 : 1 }
      }),
  )
}

/** From the first shares there are; where they open something else, from all of them, with those that lie corrected. */
async function openSecret(
  { provider, session }: Adder,
  round: ServerRound,
  { keys, opens }: { readonly keys: MemberKeys; readonly opens: Opens },
): Promise<Decoded> {
  const { threshold } = session.thresholds
  const shares = [...round.revealed].flatMap(([from, { shares: sent }]): Share[] => {
    const found = sent.find((share) => share.of === keys.index)
    return found === undefined ? [] : [{ x: from + 1, bytes: found.share }]
  })
  if (shares.length < threshold)
    throw new ProtocolError(
      'ERR_TOO_FEW_SHARES',
      `member ${keys.index} needs ${threshold} shares, ${shares.length} came`,
    )
  const secret = combine(shares.slice(0, threshold))
  if (await opens(provider, secret, keys)) return { secret, wrong: [] }
  const decoded = decodeShares(shares, threshold)
  if (decoded !== undefined && (await opens(provider, decoded.secret, keys))) return decoded
  throw new ProtocolError(
    'ERR_BAD_SHARE',
    `the shares of member ${keys.index} do not open what it committed to, and too few came to tell whose are wrong`,
  )
}

function addInto(sum: RingVector, vector: RingVector): void {
  if (sum instanceof Int32Array && vector instanceof Int32Array)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] + vector[i]) | 0
  else if (sum instanceof BigInt64Array && vector instanceof BigInt64Array)
    for (let i = 0; i < sum.length; i++) sum[i] += vector[i]
  else throw new Error('two rings in one sum')
}

const membersOf = (deposits: ReadonlyMap<number, Deposited>): MemberKeys[] =>
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

const nameOf = (adder: Adder, index: number): string => adder.session.roster[index].name

const broken = (adder: Adder, from: number, code: `ERR_${string}`, message: string): ProtocolError =>
  new ProtocolError(code, message, nameOf(adder, from))
