/** The handshake of a link: each side proves its pinned Ed25519 identity over both nonces before anything else is said. */

import { concat, equalBytes, toHex, utf8 } from '../bytes.ts'
import { errorCode, ProtocolError } from '../errors.ts'
import type { Random } from '../random.ts'
import type { Channel } from './channel.ts'
import { decodeMessage, encodeMessage, type Message, type MessageType, wireVersion } from './messages.ts'

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
}

/** The site's side. @returns the token of the bulk plane. @throws ProtocolError ERR_UNTRUSTED_COORDINATOR, ERR_VERSION. */
export async function greet(
  link: Channel,
  pinned: Uint8Array,
  { identity, verify, random }: HandshakeContext,
): Promise<Uint8Array> {
  const frames = link.frames[Symbol.asyncIterator]()
  const nonce = random.bytes(32)
  link.send(encodeMessage({ type: 'hello', version: wireVersion, identity: identity.publicKey, nonce }))
  const challenge = await expectMessage(frames, 'challenge')
  checkVersion(challenge.version)
  if (!equalBytes(challenge.identity, pinned)) {
    throw new ProtocolError(
      'ERR_UNTRUSTED_COORDINATOR',
      `expected the coordinator whose key is ${toHex(pinned)}, found ${toHex(challenge.identity)}; ask the operator which is right, by telephone`,
    )
  }
  const transcript = concat(nonce, challenge.nonce, identity.publicKey, challenge.identity)
  if (!(await verify(challenge.identity, label('coordinator', transcript), challenge.signature))) {
    throw new ProtocolError('ERR_UNTRUSTED_COORDINATOR', 'the coordinator does not hold the key it claims')
  }
  link.send(encodeMessage({ type: 'proof', signature: await identity.sign(label('site', transcript)) }))
  return (await expectMessage(frames, 'welcome')).token
}

/** The coordinator's side. `welcome` says whether an identity is expected here, once it is proved. @returns that identity. */
export async function receive(
  link: Channel,
  isKnown: (identity: Uint8Array) => boolean,
  { identity, verify, random }: HandshakeContext,
): Promise<{ readonly identity: Uint8Array; readonly token: Uint8Array }> {
  const frames = link.frames[Symbol.asyncIterator]()
  const hello = await expectMessage(frames, 'hello')
  checkVersion(hello.version)
  const nonce = random.bytes(32)
  const transcript = concat(hello.nonce, nonce, hello.identity, identity.publicKey)
  const signature = await identity.sign(label('coordinator', transcript))
  link.send(encodeMessage({ type: 'challenge', version: wireVersion, identity: identity.publicKey, nonce, signature }))
  const proof = await expectMessage(frames, 'proof')
  if (!isKnown(hello.identity) || !(await verify(hello.identity, label('site', transcript), proof.signature))) {
    throw new ProtocolError('ERR_UNKNOWN_SITE', `no site of the roster proved the key ${toHex(hello.identity)}`)
  }
  const token = random.bytes(32)
  return { identity: hello.identity, token }
}

export const welcome = (token: Uint8Array): Uint8Array => encodeMessage({ type: 'welcome', token })

const label = (side: string, transcript: Uint8Array): Uint8Array =>
  concat(utf8(`concordat/v1/handshake/${side}`), transcript)

function checkVersion(version: number): void {
  if (version !== wireVersion) {
    throw new ProtocolError(
      'ERR_VERSION',
      `this side speaks version ${wireVersion} of the protocol, the other ${version}; update the older one`,
    )
  }
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
