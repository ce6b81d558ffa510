/** What signatures of the secure sum cover: the SHA-256 of a message's body, under a number for its kind. */

import { concat, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import {
  type Reveal,
  type RoundStart,
  type SealedShare,
  type SessionKey,
  type Upload,
  writeIndices,
  writeMember,
  writeRevealed,
  writeShare,
} from './messages.ts'
import { prefix } from './session.ts'

/** The domain a signature is for: one number a kind, so that no signature of one serves as another. */
export const signatureKinds = {
  sessionKey: 1,
  bundle: 2,
  roundStart: 3,
  upload: 4,
  signRequest: 5,
  consistency: 6,
  unmask: 7,
  reveal: 8,
} as const
export type SignatureKind = keyof typeof signatureKinds

/** What Ed25519 signs: prefix, kind, SHA-256 of the body. */
export async function signedBytes(
  provider: CryptoProvider,
  kind: SignatureKind,
  body: Uint8Array,
): Promise<Uint8Array> {
  return concat(utf8(prefix), Uint8Array.of(signatureKinds[kind]), await provider.sha256(body))
}

/** Everything that a message's signature covers. */
export const bodies = {
  sessionKey: (session: Uint8Array, k: Omit<SessionKey, 'signature'>): Uint8Array =>
    new Writer().raw(session).uint32(k.index).raw(k.key).finish(),
  shares: (shares: readonly SealedShare[]): Uint8Array => new Writer().list(shares, writeShare).finish(),
  roundStart: (session: Uint8Array, m: Omit<RoundStart, 'type' | 'signature' | 'sealed' | 'peers'>): Uint8Array =>
    new Writer()
      .raw(session)
      .uint64(m.attempt)
      .raw(m.stateHash)
      .list(m.previous, (transcript, w) => w.raw(transcript))
      .list(m.members, writeMember)
      .finish(),
  upload: (session: Uint8Array, m: Omit<Upload, 'type' | 'signature' | 'next'>): Uint8Array =>
    new Writer().raw(session).uint64(m.attempt).raw(m.transcript).raw(m.vectorHash).uint32(m.vectorLength).finish(),
  survivors: (session: Uint8Array, attempt: number, survivors: readonly number[]): Uint8Array =>
    writeIndices(new Writer().raw(session).uint64(attempt), survivors).finish(),
  consistency: (transcript: Uint8Array, survivors: readonly number[]): Uint8Array =>
    writeIndices(new Writer().raw(transcript), survivors).finish(),
  reveal: (session: Uint8Array, m: Omit<Reveal, 'type' | 'signature'>): Uint8Array =>
    new Writer().raw(session).uint64(m.attempt).list(m.shares, writeRevealed).finish(),
} as const
