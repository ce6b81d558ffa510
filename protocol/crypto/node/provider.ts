/** The crypto provider on node:crypto. */

import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { addStreams, type Pass, passesOf } from '../add-streams.ts'
import { isCanonicalSignature } from '../canonical-signature.ts'
import { lowOrderPoint } from '../low-order.ts'
import type { CryptoProvider, RingVector } from '../provider.ts'

type Curve = 'X25519' | 'Ed25519'

/** Keystream chunk: small enough for the cache, large enough to drown the cost of a call. */
const chunkBytes = 128 * 1024
const zeros = new Uint8Array(chunkBytes)
const zeroCounter = new Uint8Array(16)

export const nodeProvider: CryptoProvider = {
  name: 'node:crypto',
  sha256: async (...parts) => {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return bytesOf(hash.digest())
  },
  hkdf: async (secret, salt, info, length) => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)),
  x25519PublicKey: async (secret) => rawPublic(secretKey('X25519', secret)),
  x25519: async (secret, peer) => {
    const keys = { privateKey: secretKey('X25519', secret), publicKey: publicKey('X25519', peer) }
    try {
      return bytesOf(diffieHellman(keys))
    } catch {
      // OpenSSL fails on a shared secret of zero, and on nothing else once both keys are there.
      throw lowOrderPoint()
    }
  },
  ed25519PublicKey: async (seed) => rawPublic(secretKey('Ed25519', seed)),
  ed25519Sign: async (seed, message) => bytesOf(sign(null, message, secretKey('Ed25519', seed))),
  ed25519Verify: async (key, message, signature) =>
    isCanonicalSignature(key, signature) && verify(null, message, publicKey('Ed25519', key), signature),
  addMasks: async (vector, masks) => {
    for (const pass of passesOf(masks)) addPass(vector, pass)
  },
}

function addPass(vector: RingVector, { seeds, sign: direction }: Pass): void {
  const ciphers = seeds.map((seed) => createCipheriv('aes-256-ctr', seed, zeroCounter))
  const wordBytes = vector.BYTES_PER_ELEMENT
  const chunkWords = chunkBytes / wordBytes
  for (let at = 0; at < vector.length; at += chunkWords) {
    const words = Math.min(vector.length - at, chunkWords)
    const input = words === chunkWords ? zeros : zeros.subarray(0, words * wordBytes)
    addStreams(vector, at, { streams: ciphers.map((cipher) => cipher.update(input)), sign: direction })
  }
}

/** As JWK (RFC 8037), because Node reads it several times faster than DER; it computes the public part itself. */
const secretKey = (crv: Curve, secret: Uint8Array): KeyObject =>
  createPrivateKey({ key: { kty: 'OKP', crv, d: base64url(secret), x: noPublicPart }, format: 'jwk' })

const noPublicPart = Buffer.alloc(32).toString('base64url')

const publicKey = (crv: Curve, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv, x: base64url(raw) }, format: 'jwk' })

const rawPublic = (secret: KeyObject): Uint8Array =>
  bytesOf(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32))

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')

const bytesOf = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)
