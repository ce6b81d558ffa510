/** The crypto provider on node:crypto. */

import { createHash, createPublicKey, diffieHellman, hkdfSync, type KeyObject, sign, verify } from 'node:crypto'
import { isCanonicalSignature } from '../canonical-signature.ts'
import { lowOrderPoint } from '../low-order.ts'
import type { CryptoProvider } from '../provider.ts'
import { forgetOldest, Keys, latin1 } from './keys.ts'
import { addMasks } from './mask-pool.ts'

/** One party's provider; each remembers by itself what it has seen. */
export function createNodeProvider(): CryptoProvider {
  const keys = new Keys()
  const held = new Set<string>()
  const holds = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const asked = latin1(key) + latin1(signature) + latin1(message)
    if (held.has(asked)) return true
    if (!verify(null, message, keys.public('Ed25519', key), signature)) return false
    forgetOldest(held)
    held.add(asked)
    return true
  }
  return {
    name: 'node:crypto',
    sha256: async (...parts) => {
      const hash = createHash('sha256')
      for (const part of parts) hash.update(part)
      return bytesOf(hash.digest())
    },
    hkdf: async (secret, salt, info, length) => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)),
    x25519PublicKey: async (secret) => rawPublic(keys.secret('X25519', secret)),
    x25519: async (secret, peer) => {
      const pair = { privateKey: keys.secret('X25519', secret), publicKey: keys.public('X25519', peer) }
      try {
        return bytesOf(diffieHellman(pair))
      } catch {
        // OpenSSL fails on a shared secret of zero, and on nothing else once both keys are there.
        throw lowOrderPoint()
      }
    },
    ed25519PublicKey: async (seed) => rawPublic(keys.secret('Ed25519', seed)),
    ed25519Sign: async (seed, message) => bytesOf(sign(null, message, keys.secret('Ed25519', seed))),
    ed25519Verify: async (key, message, signature) =>
      isCanonicalSignature(key, signature) && holds(key, message, signature),
    addMasks,
  }
}

const rawPublic = (secret: KeyObject): Uint8Array =>
  bytesOf(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32))

const bytesOf = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)

/** For a process with one party in it, or with several that may remember together. */
export const nodeProvider: CryptoProvider = createNodeProvider()
