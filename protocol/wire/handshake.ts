/** The handshake of a link: each side proves its pinned Ed25519 identity over both nonces before anything else is said. */

import { concat, equalBytes, toHex, utf8, Writer } from '../bytes.ts'
import { errorCode, ProtocolError } from '../errors.ts'
import type { Random } from '../random.ts'
import type { Channel } from './channel.ts'
import { decodeMessage, encodeMessage, type Message, type MessageType, wireVersions } from './messages.ts'

/** A party's own key: what it is known by, and its signature. */
export interface Identity {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Promise<Uint8Array>
}

export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>

export interface HandshakeContext {
  readonly identity: Identity
  readonly verify: Verify
  readonly random: Random
  /** The versions this side speaks, oldest first; unset takes all of `wireVersions`. */
  readonly versions?: readonly number[]
  /** What a site runs on and of which release, for the operator to read. */
  readonly agent?: string
}

/** What both sides hold at the end of a handshake. */
export interface Agreed {
  /** The newest version that both speak. */
  readonly version: number
  /** Opens the bulk plane, and shows that a link is the one that broke off. */
  readonly token: Uint8Array
  /** Frames the peer has taken of a link that goes on; unset for a new one. */
  readonly resumed: number | undefined
}

/** A link whose connection broke, as the site knows it. */
export interface Broken {
  readonly token: Uint8Array
  /** Frames of the link that the site has taken. */
  readonly received: number
}

/** The version from which on a link outlasts its connections. */
export const lastingVersion = 3

/** The site's side. @throws ProtocolError ERR_UNTRUSTED_COORDINATOR, ERR_VERSION. */
export async function greet(
  link: Channel,
  pinned: Uint8Array,
  { identity, verify, random, versions = wireVersions, agent }: HandshakeContext,
  broken?: Broken,
): Promise<Agreed> {
  const frames = link.frames[Symbol.asyncIterator]()
  const nonce = random.bytes(32)
  const offered = Math.max(...versions)
  link.send(encodeMessage({ type: 'hello', version: offered, identity: identity.publicKey, nonce }))
  const challenge = await expectMessage(frames, 'challenge')
  const { version } = challenge
  if (!versions.includes(version)) throw foreign('site', versions, { side: 'coordinator', version })
  if (!equalBytes(challenge.identity, pinned)) {
    throw new ProtocolError(
      'ERR_UNTRUSTED_COORDINATOR',
      `expected the coordinator whose key is ${toHex(pinned)}, found ${toHex(challenge.identity)}; ask the operator which is right, by telephone`,
    )
  }
  const transcript = transcriptOf({ offered, version }, nonce, challenge.nonce, identity.publicKey, challenge.identity)
  if (!(await verify(challenge.identity, label('coordinator', version, transcript), challenge.signature))) {
    throw new ProtocolError('ERR_UNTRUSTED_COORDINATOR', 'the coordinator does not hold the key it claims')
  }
  const signature = await identity.sign(label('site', version, transcript))
  if (broken === undefined || version < lastingVersion) {
    link.send(encodeMessage({ type: 'proof', signature, agent: version < lastingVersion ? undefined : agent }))
    return { version, token: (await expectMessage(frames, 'welcome')).token, resumed: undefined }
  }
  const claim = await identity.sign(claimOf(version, transcript, broken))
  link.send(encodeMessage({ type: 'resume', signature, received: broken.received, claim }))
  const answer = await expectMessage(frames, 'resumed', 'welcome')
  return answer.type === 'welcome'
    ? { version, token: answer.token, resumed: undefined }
    : { version, token: broken.token, resumed: answer.received }
}

/** Whom a coordinator knows. */
export interface Known {
  /** Whether a key is a site's. */
  isSite(identity: Uint8Array): boolean
  /** The token of the link that is kept for a site, where one is. */
  tokenOf(identity: Uint8Array): Uint8Array | undefined
}

export interface Arrived extends Agreed {
  readonly identity: Uint8Array
  /** What it says it runs on, where it says so. */
  readonly agent: string | undefined
}

/** The coordinator's side, up to its last word: that the site is welcome, or that its link is resumed. */
export async function receive(
  link: Channel,
  known: Known,
  { identity, verify, random, versions = wireVersions }: HandshakeContext,
): Promise<Arrived> {
  const frames = link.frames[Symbol.asyncIterator]()
  const hello = await expectMessage(frames, 'hello')
  const offered = hello.version
  // The newest that is not newer than the site's; a site that does not speak it says so itself.
  const version = Math.max(...versions.filter((each) => each <= offered))
  if (!Number.isFinite(version)) throw foreign('coordinator', versions, { side: 'site', version: offered })
  const nonce = random.bytes(32)
  const transcript = transcriptOf({ offered, version }, hello.nonce, nonce, hello.identity, identity.publicKey)
  const signature = await identity.sign(label('coordinator', version, transcript))
  link.send(encodeMessage({ type: 'challenge', version, identity: identity.publicKey, nonce, signature }))
  const proof = await (version < lastingVersion
    ? expectMessage(frames, 'proof')
    : expectMessage(frames, 'proof', 'resume'))
  if (
    !known.isSite(hello.identity) ||
    !(await verify(hello.identity, label('site', version, transcript), proof.signature))
  ) {
    throw new ProtocolError('ERR_UNKNOWN_SITE', `no site of the roster proved the key ${toHex(hello.identity)}`)
  }
  // The site's own link alone is looked at, and the token is signed and never said: whoever has only one of key and
  // token, or an answer to another challenge, gets a new link at most.
  const token = known.tokenOf(hello.identity)
  if (proof.type === 'resume' && token !== undefined) {
    const { received, claim } = proof
    if (await verify(hello.identity, claimOf(version, transcript, { token, received }), claim))
      return { identity: hello.identity, version, token, resumed: received, agent: undefined }
  }
  const agent = proof.type === 'proof' ? proof.agent : undefined
  return { identity: hello.identity, version, token: random.bytes(32), resumed: undefined, agent }
}

export const welcome = (token: Uint8Array): Uint8Array => encodeMessage({ type: 'welcome', token })

export const resumed = (received: number): Uint8Array => encodeMessage({ type: 'resumed', received })

const label = (side: string, version: number, transcript: Uint8Array): Uint8Array =>
  concat(utf8(`concordat/v${version}/handshake/${side}`), transcript)

const transcriptOf = (
  { offered, version }: { readonly offered: number; readonly version: number },
  ...parts: readonly Uint8Array[]
): Uint8Array => concat(new Writer().uint16(offered).uint16(version).finish(), ...parts)

/** What a site signs to have its link back: this one, from this frame on, in this handshake. */
const claimOf = (version: number, transcript: Uint8Array, { token, received }: Broken): Uint8Array =>
  concat(label('resume', version, transcript), token, new Writer().uint64(received).finish())

function foreign(
  mine: string,
  versions: readonly number[],
  other: { readonly side: string; readonly version: number },
): ProtocolError {
  const older = other.version < Math.min(...versions) ? other.side : mine
  return new ProtocolError(
    'ERR_VERSION',
    `this ${mine} speaks versions ${versions.join(' and ')} of the protocol, the ${other.side} version ${other.version}; update the ${older}`,
  )
}

async function expectMessage<T extends MessageType>(
  frames: AsyncIterator<Uint8Array>,
  ...types: readonly T[]
): Promise<Extract<Message, { readonly type: T }>> {
  const expected = types.join(' or ')
  const next = await frames.next()
  if (next.done === true)
    throw new ProtocolError('ERR_LINK_LOST', `the connection ended where ${expected} was expected`)
  const message = decodeMessage(next.value)
  if (message.type === 'abort') throw new ProtocolError(errorCode(message.code), message.reason)
  if (!isOf(message, types))
    throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `expected ${expected}, found ${message.type}`)
  return message
}

const isOf = <T extends MessageType>(
  message: Message,
  types: readonly T[],
): message is Extract<Message, { readonly type: T }> => types.some((type) => type === message.type)
