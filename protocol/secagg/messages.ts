/** The messages of the secure sum and their exact bytes; what of them is signed stands in `signing.ts`. */

import { Reader, Writer } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { limits } from '../wire/limits.ts'

/** A member's X25519 key of this session; a member that restarts publishes a new one. */
export interface SessionKey {
  readonly index: number
  readonly key: Uint8Array
  readonly signature: Uint8Array
}

export interface SealedShare {
  /** The other party: the recipient in a bundle, the dealer in a round start. */
  readonly peer: number
  /** The recipient's session key that it was sealed to: a restarted peer is not handed what it cannot open. */
  readonly key: Uint8Array
  readonly sealed: Uint8Array
  /** Commitments to both halves of the share: a false one is the dealer's if it keeps them, the revealer's if it does not. */
  readonly commits: Uint8Array
}

/** A member's one-time keys for one attempt, with its secrets dealt to its peers. */
export interface Bundle {
  readonly index: number
  readonly attempt: number
  /** X25519 key of the pairwise masks. */
  readonly maskKey: Uint8Array
  /** Commitment to the seed of the self mask. */
  readonly selfCommit: Uint8Array
  readonly shares: readonly SealedShare[]
  readonly signature: Uint8Array
}

/** What the others need of a bundle. */
export interface MemberKeys {
  readonly index: number
  readonly maskKey: Uint8Array
  readonly selfCommit: Uint8Array
  readonly sharesHash: Uint8Array
  readonly signature: Uint8Array
}

export interface DepositRequest {
  readonly type: 'deposit-request'
  readonly attempt: number
  readonly peers: readonly SessionKey[]
}
export interface Deposit {
  readonly type: 'deposit'
  readonly bundle: Bundle
}
export interface RoundStart {
  readonly type: 'round-start'
  readonly attempt: number
  readonly stateHash: Uint8Array
  /** Transcripts of the groups of the last round that was committed; none before the first. */
  readonly previous: readonly Uint8Array[]
  readonly members: readonly MemberKeys[]
  /** Shares sealed to the receiver. */
  readonly sealed: readonly SealedShare[]
  /** Session keys of this round's group and of the receiver's group in the next. */
  readonly peers: readonly SessionKey[]
  readonly signature: Uint8Array
}
export interface Nack {
  readonly type: 'nack'
  readonly attempt: number
  readonly dealer: number
}
export interface Upload {
  readonly type: 'upload'
  readonly attempt: number
  readonly transcript: Uint8Array
  readonly vectorHash: Uint8Array
  readonly vectorLength: number
  /** Keys for the next round, so that it can start at once. */
  readonly next: Bundle
  readonly signature: Uint8Array
}
export interface SignRequest {
  readonly type: 'sign-request'
  readonly attempt: number
  readonly survivors: readonly number[]
  readonly signature: Uint8Array
}
export interface Consistency {
  readonly type: 'consistency'
  readonly attempt: number
  readonly signature: Uint8Array
}
export interface Unmask {
  readonly type: 'unmask'
  readonly attempt: number
  readonly survivors: readonly number[]
  readonly certificate: readonly { readonly index: number; readonly signature: Uint8Array }[]
  readonly signature: Uint8Array
}
export interface Reveal {
  readonly type: 'reveal'
  readonly attempt: number
  /** For a survivor the share of its self seed, for a drop-out the share of its mask key. */
  readonly shares: readonly { readonly of: number; readonly share: Uint8Array }[]
  readonly signature: Uint8Array
}

export type ToSite = DepositRequest | RoundStart | SignRequest | Unmask
export type ToCoordinator = Deposit | Nack | Upload | Consistency | Reveal
export type SecureMessage = ToSite | ToCoordinator

const maxMembers = 255
/** Groups of 3 at the least. */
const maxGroups = Math.floor(limits.roster / 3)
const sealedLength = 24 + 16 + 8 + 64

export const writeIndices = (to: Writer, indices: readonly number[]): Writer =>
  to.list(indices, (index, w) => w.uint32(index))
const readIndices = (from: Reader, field: string): number[] =>
  from.list(field, { max: maxMembers }, (r) => r.uint32(`${field} index`))

const writeSessionKey = (k: SessionKey, to: Writer): Writer => to.uint32(k.index).raw(k.key).raw(k.signature)
const readSessionKey = (from: Reader): SessionKey => ({
  index: from.uint32('index'),
  key: from.raw('session key', 32),
  signature: from.raw('signature', 64),
})

export const writeShare = (s: SealedShare, to: Writer): Writer =>
  to.uint32(s.peer).raw(s.key).raw(s.sealed).raw(s.commits)
const readShare = (from: Reader): SealedShare => ({
  peer: from.uint32('peer'),
  key: from.raw('session key', 32),
  sealed: from.raw('sealed share', sealedLength),
  commits: from.raw('share commitments', 64),
})

function writeBundle(b: Bundle, to: Writer): Writer {
  return to
    .uint32(b.index)
    .uint64(b.attempt)
    .raw(b.maskKey)
    .raw(b.selfCommit)
    .list(b.shares, writeShare)
    .raw(b.signature)
}
const readBundle = (from: Reader): Bundle => ({
  index: from.uint32('index'),
  attempt: from.uint64('attempt'),
  maskKey: from.raw('mask key', 32),
  selfCommit: from.raw('self commitment', 32),
  shares: from.list('shares', { max: maxMembers }, readShare),
  signature: from.raw('signature', 64),
})

export const encodeSessionKey = (key: SessionKey): Uint8Array => writeSessionKey(key, new Writer()).finish()

export function decodeSessionKey(bytes: Uint8Array): SessionKey {
  const from = new Reader(bytes)
  const key = readSessionKey(from)
  from.end()
  return key
}

export function writeMember(m: MemberKeys, to: Writer): Writer {
  return to.uint32(m.index).raw(m.maskKey).raw(m.selfCommit).raw(m.sharesHash).raw(m.signature)
}
export const writeRevealed = ({ of, share }: Reveal['shares'][number], to: Writer): Writer => to.uint32(of).raw(share)

type Of<T extends SecureMessage['type']> = Extract<SecureMessage, { readonly type: T }>
interface Layout<T extends SecureMessage['type']> {
  readonly tag: number
  readonly write: (message: Of<T>, to: Writer) => void
  readonly read: (from: Reader) => Of<T>
}

/** One row a message: the compiler asks for missing ones. */
const layouts: { readonly [T in SecureMessage['type']]: Layout<T> } = {
  'deposit-request': {
    tag: 1,
    write: (m, to) => to.uint64(m.attempt).list(m.peers, writeSessionKey),
    read: (from) => ({
      type: 'deposit-request',
      attempt: from.uint64('attempt'),
      peers: from.list('peers', { max: maxMembers }, readSessionKey),
    }),
  },
  deposit: {
    tag: 2,
    write: (m, to) => writeBundle(m.bundle, to),
    read: (from) => ({ type: 'deposit', bundle: readBundle(from) }),
  },
  'round-start': {
    tag: 3,
    write: (m, to) =>
      to
        .uint64(m.attempt)
        .raw(m.stateHash)
        .list(m.previous, (transcript, w) => w.raw(transcript))
        .list(m.members, writeMember)
        .list(m.sealed, writeShare)
        .list(m.peers, writeSessionKey)
        .raw(m.signature),
    read: (from) => ({
      type: 'round-start',
      attempt: from.uint64('attempt'),
      stateHash: from.raw('state hash', 32),
      previous: from.list('previous transcripts', { max: maxGroups }, (r) => r.raw('transcript', 32)),
      members: from.list('members', { max: maxMembers }, (r) => ({
        index: r.uint32('index'),
        maskKey: r.raw('mask key', 32),
        selfCommit: r.raw('self commitment', 32),
        sharesHash: r.raw('shares hash', 32),
        signature: r.raw('signature', 64),
      })),
      sealed: from.list('sealed shares', { max: maxMembers }, readShare),
      peers: from.list('peers', { max: 2 * maxMembers }, readSessionKey),
      signature: from.raw('signature', 64),
    }),
  },
  nack: {
    tag: 4,
    write: (m, to) => to.uint64(m.attempt).uint32(m.dealer),
    read: (from) => ({ type: 'nack', attempt: from.uint64('attempt'), dealer: from.uint32('dealer') }),
  },
  upload: {
    tag: 5,
    write: (m, to) =>
      writeBundle(m.next, to.uint64(m.attempt).raw(m.transcript).raw(m.vectorHash).uint32(m.vectorLength)).raw(
        m.signature,
      ),
    read: (from) => ({
      type: 'upload',
      attempt: from.uint64('attempt'),
      transcript: from.raw('transcript', 32),
      vectorHash: from.raw('vector hash', 32),
      vectorLength: from.uint32('vector length', { max: limits.blob }),
      next: readBundle(from),
      signature: from.raw('signature', 64),
    }),
  },
  'sign-request': {
    tag: 6,
    write: (m, to) => writeIndices(to.uint64(m.attempt), m.survivors).raw(m.signature),
    read: (from) => ({
      type: 'sign-request',
      attempt: from.uint64('attempt'),
      survivors: readIndices(from, 'survivors'),
      signature: from.raw('signature', 64),
    }),
  },
  consistency: {
    tag: 7,
    write: (m, to) => to.uint64(m.attempt).raw(m.signature),
    read: (from) => ({ type: 'consistency', attempt: from.uint64('attempt'), signature: from.raw('signature', 64) }),
  },
  unmask: {
    tag: 8,
    write: (m, to) =>
      writeIndices(to.uint64(m.attempt), m.survivors)
        .list(m.certificate, (c, w) => w.uint32(c.index).raw(c.signature))
        .raw(m.signature),
    read: (from) => ({
      type: 'unmask',
      attempt: from.uint64('attempt'),
      survivors: readIndices(from, 'survivors'),
      certificate: from.list('certificate', { max: maxMembers }, (r) => ({
        index: r.uint32('index'),
        signature: r.raw('signature', 64),
      })),
      signature: from.raw('signature', 64),
    }),
  },
  reveal: {
    tag: 9,
    write: (m, to) => to.uint64(m.attempt).list(m.shares, writeRevealed).raw(m.signature),
    read: (from) => ({
      type: 'reveal',
      attempt: from.uint64('attempt'),
      shares: from.list('shares', { max: maxMembers }, (r) => ({ of: r.uint32('of'), share: r.raw('share', 32) })),
      signature: from.raw('signature', 64),
    }),
  },
}

const readers = new Map<number, (from: Reader) => SecureMessage>(
  Object.values(layouts).map(({ tag, read }) => [tag, read]),
)

export function encodeSecure(message: SecureMessage): Uint8Array {
  const to = new Writer()
  writeAs(message.type, message, to)
  return to.finish()
}

function writeAs<T extends SecureMessage['type']>(type: T, message: Of<T>, to: Writer): void {
  const layout: Layout<T> = layouts[type]
  to.uint8(layout.tag)
  layout.write(message, to)
}

/** @throws ProtocolError ERR_FRAME: any byte string gives a message or this error. */
export function decodeSecure(bytes: Uint8Array): SecureMessage {
  const from = new Reader(bytes)
  const tag = from.uint8('tag')
  const read = readers.get(tag)
  if (read === undefined) throw new ProtocolError('ERR_FRAME', `no message of the secure sum has the tag ${tag}`)
  const message = read(from)
  from.end()
  return message
}
