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
}

/** What both sides hold at the end of a handshake. */
export interface Agreed {
  /** The newest version that both speak. */
  readonly version: number
  /** Opens the bulk plane. */
  readonly token: Uint8Array
}

/** The site's side. @throws ProtocolError ERR_UNTRUSTED_COORDINATOR, ERR_VERSION. */
export async function greet(
  link: Channel,
  pinned: Uint8Array,
  { identity, verify, random, versions = wireVersions }: HandshakeContext,
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
  link.send(encodeMessage({ type: 'proof', signature: await identity.sign(label('site', version, transcript)) }))
  return { version, token: (await expectMessage(frames, 'welcome')).token }
}

/** The coordinator's side. `isKnown` says whether an identity is expected here, once it is proved. */
export async function receive(
  link: Channel,
  isKnown: (identity: Uint8Array) => boolean,
  { identity, verify, random, versions = wireVersions }: HandshakeContext,
): Promise<Agreed & { readonly identity: Uint8Array }> {
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
  const proof = await expectMessage(frames, 'proof')
  if (
    !isKnown(hello.identity) ||
    !(await verify(hello.identity, label('site', version, transcript), proof.signature))
  ) {
    throw new ProtocolError('ERR_UNKNOWN_SITE', `no site of the roster proved the key ${toHex(hello.identity)}`)
  }
  return { identity: hello.identity, version, token: random.bytes(32) }
}

export const welcome = (token: Uint8Array): Uint8Array => encodeMessage({ type: 'welcome', token })

const label = (side: string, version: number, transcript: Uint8Array): Uint8Array =>
  concat(utf8(`concordat/v${version}/handshake/${side}`), transcript)

/** From version 2 on what was offered and chosen is signed too. */
const transcriptOf = (
  { offered, version }: { readonly offered: number; readonly version: number },
  ...parts: readonly Uint8Array[]
): Uint8Array =>
  version === 1 ? concat(...parts) : concat(new Writer().uint16(offered).uint16(version).finish(), ...parts)

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
  type: T,
): Promise<Extract<Message, { readonly type: T }>> {
  const next = await frames.next()
  if (next.done === true) throw new ProtocolError('ERR_LINK_LOST', `the connection ended where ${type} was expected`)
  const message = decodeMessage(next.value)
  if (message.type === 'abort') throw new ProtocolError(errorCode(message.code), message.reason)
  if (!isOf(message, type)) throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `expected ${type}, found ${message.type}`)
  return message
}

const isOf = <T extends MessageType>(message: Message, type: T): message is Extract<Message, { readonly type: T }> =>
  message.type === type
