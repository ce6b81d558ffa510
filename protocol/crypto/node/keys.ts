/** Keys in the form OpenSSL works on, kept for the next time: making one takes as long as an agreement. */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { equalBytes } from '../../bytes.ts'

type Curve = 'X25519' | 'Ed25519'

/** Keys and signatures that come again: every session key of a roster stands in every round of a run. */
const remembered = 4096

export class Keys {
  readonly #public = new Map<string, KeyObject>()
  /** By the array that holds the secret, so that a key goes when its secret goes. */
  readonly #secret = new WeakMap<
    Uint8Array,
    { readonly crv: Curve; readonly raw: Uint8Array; readonly key: KeyObject }
  >()

  public(crv: Curve, raw: Uint8Array): KeyObject {
    const name = crv + latin1(raw)
    const known = this.#public.get(name)
    if (known !== undefined) return known
    const key = createPublicKey({ key: { kty: 'OKP', crv, x: base64url(raw) }, format: 'jwk' })
    forgetOldest(this.#public)
    this.#public.set(name, key)
    return key
  }

  /** As JWK (RFC 8037), because Node reads it several times faster than DER; it computes the public part itself. */
  secret(crv: Curve, raw: Uint8Array): KeyObject {
    const known = this.#secret.get(raw)
    // An array that was overwritten holds another secret, or none.
    if (known?.crv === crv && equalBytes(known.raw, raw)) return known.key
    const key = createPrivateKey({ key: { kty: 'OKP', crv, d: base64url(raw), x: noPublicPart }, format: 'jwk' })
    this.#secret.set(raw, { crv, raw: raw.slice(), key })
    return key
  }
}

const noPublicPart = Buffer.alloc(32).toString('base64url')

/** Makes room for one more: sets and maps keep the order in which they were filled. */
export function forgetOldest(kept: Set<string> | Map<string, KeyObject>): void {
  if (kept.size < remembered) return
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}

/** Bytes as a string to look up by. */
export const latin1 = (bytes: Uint8Array): string => bufferOf(bytes).toString('latin1')

const base64url = (bytes: Uint8Array): string => bufferOf(bytes).toString('base64url')

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
