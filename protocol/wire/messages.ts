/** The control messages of a run and their bytes; the secure sum's own messages travel inside `secure`. */

import { Reader, Writer } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { limits } from './limits.ts'

/** The versions of the wire that are spoken here, oldest first: the current one and the one before. */
export const wireVersions: readonly number[] = [2, 3]

export type Message =
  // The handshake: each side proves its Ed25519 identity over both nonces.
  | { readonly type: 'hello'; readonly version: number; readonly identity: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly type: 'challenge'
      readonly version: number
      readonly identity: Uint8Array
      readonly nonce: Uint8Array
      readonly signature: Uint8Array
    }
  // From version 3 on a site may say what it runs on, for people to read: nothing follows from it.
  | { readonly type: 'proof'; readonly signature: Uint8Array; readonly agent?: string | undefined }
  | { readonly type: 'welcome'; readonly token: Uint8Array }
  // From version 3 on, in the place of proof and welcome: a link whose connection broke goes on.
  | {
      readonly type: 'resume'
      /** As in a proof. */
      readonly signature: Uint8Array
      /** Frames of the link that the site has taken, and its signature under that and the link's token. */
      readonly received: number
      readonly claim: Uint8Array
    }
  | { readonly type: 'resumed'; readonly received: number }
  // A run: the plan and the roster are offered, and each site joins or declines.
  | {
      readonly type: 'offer'
      readonly plan: Uint8Array
      readonly roster: readonly RosterEntry[]
      readonly nonce: Uint8Array
      readonly signature: Uint8Array
    }
  // A join carries the site's signature under the plan and its study's terms (`approvalBytes`).
  | { readonly type: 'join'; readonly sessionKey: Uint8Array; readonly consent: Uint8Array }
  | { readonly type: 'decline'; readonly code: string; readonly reason: string }
  // A round: the messages of the secure sum, and what became of it.
  | { readonly type: 'secure'; readonly body: Uint8Array }
  | { readonly type: 'progress'; readonly attempt: number; readonly done: number }
  | RoundEnd
  | { readonly type: 'abort'; readonly attempt: number; readonly code: string; readonly reason: string }
  // The run's journal: its lines as they are written, a site's signature under its head, and a site that leaves for good.
  | { readonly type: 'record'; readonly from: number; readonly lines: readonly Uint8Array[] }
  | {
      readonly type: 'countersign'
      readonly index: number
      readonly head: Uint8Array
      readonly signature: Uint8Array
    }
  | { readonly type: 'withdraw'; readonly reason: string; readonly signature: Uint8Array }
  | { readonly type: 'finish'; readonly code: string; readonly reason: string; readonly stateHash: Uint8Array }

export interface RosterEntry {
  readonly name: string
  /** Ed25519 public key, 32 bytes. */
  readonly identity: Uint8Array
}

/** A round is committed: the exact sum is published, and every site that can recomputes the state from it. */
export interface RoundEnd {
  readonly type: 'round-end'
  readonly attempt: number
  /** The state the round started from. */
  readonly startHash: Uint8Array
  /** How many sites the sum is over. */
  readonly survivors: number
  /** SHA-256 and length of the published sum, packed as an upload is. */
  readonly sumHash: Uint8Array
  readonly sumLength: number
  /** The state that `apply` makes of the sum. */
  readonly stateHash: Uint8Array
  /** Head of the run's journal with this round in it. */
  readonly journalHead: Uint8Array
}

export type MessageType = Message['type']
type Of<T extends MessageType> = Extract<Message, { readonly type: T }>

interface Layout<T extends MessageType> {
  readonly tag: number
  readonly write: (message: Of<T>, to: Writer) => void
  readonly read: (from: Reader) => Of<T>
}

const hash = 32
const signature = 64

const rosterEntry = (from: Reader): RosterEntry => ({
  name: from.text('site name', { max: limits.name * 4 }),
  identity: from.raw('site identity', 32),
})

/** Printable characters alone: it is shown on screens. */
function agentText(from: Reader): string {
  const text = from.text('agent', { max: limits.agent })
  if (!/^[\x20-\x7e]+$/.test(text)) throw new ProtocolError('ERR_FRAME', 'agent: expected printable ASCII')
  return text
}

/** One row a message: the compiler asks for missing ones. */
const layouts: { readonly [T in MessageType]: Layout<T> } = {
  hello: {
    tag: 1,
    write: (m, to) => to.uint16(m.version).raw(m.identity).raw(m.nonce),
    read: (from) => ({
      type: 'hello',
      version: from.uint16('version'),
      identity: from.raw('identity', 32),
      nonce: from.raw('nonce', 32),
    }),
  },
  challenge: {
    tag: 2,
    write: (m, to) => to.uint16(m.version).raw(m.identity).raw(m.nonce).raw(m.signature),
    read: (from) => ({
      type: 'challenge',
      version: from.uint16('version'),
      identity: from.raw('identity', 32),
      nonce: from.raw('nonce', 32),
      signature: from.raw('signature', signature),
    }),
  },
  proof: {
    tag: 3,
    write: (m, to) => {
      to.raw(m.signature)
      if (m.agent !== undefined) to.text(m.agent)
    },
    read: (from) => ({
      type: 'proof',
      signature: from.raw('signature', signature),
      ...(from.remaining > 0 && { agent: agentText(from) }),
    }),
  },
  welcome: {
    tag: 4,
    write: (m, to) => to.raw(m.token),
    read: (from) => ({ type: 'welcome', token: from.raw('token', 32) }),
  },
  resume: {
    tag: 5,
    write: (m, to) => to.raw(m.signature).uint64(m.received).raw(m.claim),
    read: (from) => ({
      type: 'resume',
      signature: from.raw('signature', signature),
      received: from.uint64('frames received'),
      claim: from.raw('claim', signature),
    }),
  },
  resumed: {
    tag: 6,
    write: (m, to) => to.uint64(m.received),
    read: (from) => ({ type: 'resumed', received: from.uint64('frames received') }),
  },
  offer: {
    tag: 10,
    write: (m, to) =>
      to
        .bytes(m.plan)
        .list(m.roster, (entry) => to.text(entry.name).raw(entry.identity))
        .raw(m.nonce)
        .raw(m.signature),
    read: (from) => ({
      type: 'offer',
      plan: from.bytes('plan', { max: limits.plan }),
      roster: from.list('roster', { max: limits.roster }, rosterEntry),
      nonce: from.raw('nonce', 32),
      signature: from.raw('signature', signature),
    }),
  },
  join: {
    tag: 11,
    write: (m, to) => to.bytes(m.sessionKey).raw(m.consent),
    read: (from) => ({
      type: 'join',
      sessionKey: from.bytes('session key', { max: 1024 }),
      consent: from.raw('consent', signature),
    }),
  },
  decline: {
    tag: 12,
    write: (m, to) => to.text(m.code).text(m.reason),
    read: (from) => ({
      type: 'decline',
      code: from.text('code', { max: 100 }),
      reason: from.text('reason', { max: limits.reason }),
    }),
  },
  secure: {
    tag: 20,
    write: (m, to) => to.bytes(m.body),
    read: (from) => ({ type: 'secure', body: from.bytes('body', { max: limits.frame }) }),
  },
  progress: {
    tag: 21,
    write: (m, to) => to.uint64(m.attempt).uint32(m.done),
    read: (from) => ({ type: 'progress', attempt: from.uint64('attempt'), done: from.uint32('done') }),
  },
  'round-end': {
    tag: 22,
    write: (m, to) =>
      to
        .uint64(m.attempt)
        .raw(m.startHash)
        .uint32(m.survivors)
        .raw(m.sumHash)
        .uint32(m.sumLength)
        .raw(m.stateHash)
        .raw(m.journalHead),
    read: (from) => ({
      type: 'round-end',
      attempt: from.uint64('attempt'),
      startHash: from.raw('start hash', hash),
      survivors: from.uint32('survivors', { max: limits.roster }),
      sumHash: from.raw('sum hash', hash),
      sumLength: from.uint32('sum length', { max: limits.blob }),
      stateHash: from.raw('state hash', hash),
      journalHead: from.raw('journal head', hash),
    }),
  },
  abort: {
    tag: 24,
    write: (m, to) => to.uint64(m.attempt).text(m.code).text(m.reason),
    read: (from) => ({
      type: 'abort',
      attempt: from.uint64('attempt'),
      code: from.text('code', { max: 100 }),
      reason: from.text('reason', { max: limits.reason }),
    }),
  },
  record: {
    tag: 26,
    write: (m, to) => to.uint64(m.from).list(m.lines, (line) => to.bytes(line)),
    read: (from) => ({
      type: 'record',
      from: from.uint64('first entry'),
      lines: from.list('lines', { max: limits.frame }, () => from.bytes('line', { max: limits.frame })),
    }),
  },
  countersign: {
    tag: 27,
    write: (m, to) => to.uint64(m.index).raw(m.head).raw(m.signature),
    read: (from) => ({
      type: 'countersign',
      index: from.uint64('index'),
      head: from.raw('head', hash),
      signature: from.raw('signature', signature),
    }),
  },
  withdraw: {
    tag: 28,
    write: (m, to) => to.text(m.reason).raw(m.signature),
    read: (from) => ({
      type: 'withdraw',
      reason: from.text('reason', { max: limits.reason }),
      signature: from.raw('signature', signature),
    }),
  },
  finish: {
    tag: 25,
    write: (m, to) => to.text(m.code).text(m.reason).raw(m.stateHash),
    read: (from) => ({
      type: 'finish',
      code: from.text('code', { max: 100 }),
      reason: from.text('reason', { max: limits.reason }),
      stateHash: from.raw('state hash', hash),
    }),
  },
}

const byTag = new Map<number, Layout<MessageType>['read']>()
for (const layout of Object.values(layouts)) byTag.set(layout.tag, layout.read)

export function encodeMessage(message: Message): Uint8Array {
  const to = new Writer()
  writeAs(message.type, message, to)
  return to.finish()
}

function writeAs<T extends MessageType>(type: T, message: Of<T>, to: Writer): void {
  const layout: Layout<T> = layouts[type]
  to.uint8(layout.tag)
  layout.write(message, to)
}

/** @throws ProtocolError ERR_FRAME: any byte string gives a message or this error. */
export function decodeMessage(frame: Uint8Array): Message {
  if (frame.length > limits.frame) {
    throw new ProtocolError('ERR_FRAME', `a frame has at most ${limits.frame} bytes, found ${frame.length}`)
  }
  const from = new Reader(frame)
  const tag = from.uint8('message tag')
  const read = byTag.get(tag)
  if (read === undefined) throw new ProtocolError('ERR_FRAME', `no message has the tag ${tag}`)
  const message = read(from)
  from.end()
  return message
}
