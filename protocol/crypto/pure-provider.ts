/** The crypto provider in plain JavaScript, for a place without node:crypto and without WebCrypto. Slow: see docs/benchmarks.md. */

import { ctr } from '@noble/ciphers/aes.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import nacl from 'tweetnacl'
import { concat, equalBytes } from '../bytes.ts'
import { addStreams, passesOf } from './add-streams.ts'
import { isCanonicalSignature } from './canonical-signature.ts'
import { checkedSecret } from './low-order.ts'
import type { CryptoProvider, RingVector } from './provider.ts'

const chunkBytes = 64 * 1024
const blockBytes = 16

export const pureProvider: CryptoProvider = {
  name: 'pure',
  sha256: async (...parts) => {
    const hash = sha256.create()
    for (const part of parts) hash.update(part)
    return hash.digest()
  },
  hkdf: async (secret, salt, info, length) => hkdf(sha256, secret, salt, info, length),
  x25519PublicKey: async (secret) => nacl.scalarMult.base(secret),
  // Not nacl.box.before, which hashes the secret; and tweetnacl does not look at what comes out.
  x25519: async (secret, peer) => checkedSecret(nacl.scalarMult(secret, peer)),
  ed25519PublicKey: async (seed) => ed25519.getPublicKey(seed),
  ed25519Sign: async (seed, message) => ed25519.sign(message, seed),
  ed25519Verify: async (key, message, signature) =>
    isCanonicalSignature(key, signature) && verifyWithoutCofactor(key, message, signature),
  addMasks: async (vector, masks) => {
    for (const { seeds, sign } of passesOf(masks)) addPass(vector, { seeds, sign })
  },
}

/** S B - h A = R, as OpenSSL and BoringSSL check it; the library's own check multiplies by the cofactor and takes more. */
function verifyWithoutCofactor(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519
  const r = signature.subarray(0, 32)
  let a: InstanceType<typeof Point>
  try {
    a = Point.fromBytes(key)
  } catch {
    return false
  }
  const s = littleEndian(signature.subarray(32))
  const h = littleEndian(sha512(concat(r, key, message))) % Point.Fn.ORDER
  const found = multiple(Point.BASE, s).subtract(multiple(a, h))
  return equalBytes(found.toBytes(), r)
}

type Point = typeof ed25519.Point.BASE

const multiple = (point: Point, scalar: bigint): Point =>
  scalar === 0n ? ed25519.Point.ZERO : point.multiplyUnsafe(scalar)

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)

function addPass(vector: RingVector, { seeds, sign }: { seeds: readonly Uint8Array[]; sign: 1 | -1 }): void {
  const chunkWords = chunkBytes / vector.BYTES_PER_ELEMENT
  for (let at = 0; at < vector.length; at += chunkWords) {
    const bytes = Math.min(vector.length - at, chunkWords) * vector.BYTES_PER_ELEMENT
    const counter = new Uint8Array(blockBytes)
    new DataView(counter.buffer).setUint32(12, (at * vector.BYTES_PER_ELEMENT) / blockBytes)
    const streams = seeds.map((seed) => ctr(seed, counter).encrypt(new Uint8Array(bytes)))
    addStreams(vector, at, { streams, sign })
  }
}
