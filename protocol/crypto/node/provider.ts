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
import { concat } from '../../bytes.ts'
import { ProtocolError } from '../../errors.ts'
import type { CryptoProvider, Mask, RingVector } from '../provider.ts'

/** DER headers before the 32 bytes of a raw key (RFC 8410). */
const der = {
  x25519Secret: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  x25519Public: Buffer.from('302a300506032b656e032100', 'hex'),
  ed25519Secret: Buffer.from('302e020100300506032b657004220420', 'hex'),
  ed25519Public: Buffer.from('302a300506032b6570032100', 'hex'),
} as const

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
  x25519PublicKey: async (secret) => rawPublic(secretKey(der.x25519Secret, secret)),
  x25519: async (secret, peer) => {
    try {
      const shared = diffieHellman({
        privateKey: secretKey(der.x25519Secret, secret),
        publicKey: publicKey(der.x25519Public, peer),
      })
      return bytesOf(shared)
    } catch {
      throw new ProtocolError('ERR_LOW_ORDER_POINT', 'expected an X25519 key of full order, found one of low order')
    }
  },
  ed25519PublicKey: async (seed) => rawPublic(secretKey(der.ed25519Secret, seed)),
  ed25519Sign: async (seed, message) => bytesOf(sign(null, message, secretKey(der.ed25519Secret, seed))),
  ed25519Verify: async (key, message, signature) => {
    try {
      return verify(null, message, publicKey(der.ed25519Public, key), signature)
    } catch {
      return false
    }
  },
  addMasks: async (vector, masks) => {
    for (const mask of masks) addMask(vector, mask)
  },
}

function addMask(vector: RingVector, { seed, sign: direction }: Mask): void {
  const cipher = createCipheriv('aes-256-ctr', seed, zeroCounter)
  const wordBytes = vector.BYTES_PER_ELEMENT
  for (let at = 0; at < vector.length; at += chunkBytes / wordBytes) {
    const words = Math.min(vector.length - at, chunkBytes / wordBytes)
    const keystream = cipher.update(words * wordBytes === chunkBytes ? zeros : zeros.subarray(0, words * wordBytes))
    addWords(vector, at, { keystream, direction })
  }
}

interface Keystream {
  readonly keystream: Buffer
  readonly direction: 1 | -1
}

function addWords(vector: RingVector, at: number, { keystream, direction }: Keystream): void {
  // A pooled Buffer may start anywhere; typed arrays need their own alignment.
  const aligned = keystream.byteOffset % vector.BYTES_PER_ELEMENT === 0 ? keystream : Buffer.from(keystream)
  if (vector instanceof Int32Array) {
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
    if (direction === 1) for (let i = 0; i < words.length; i++) vector[at + i] = (vector[at + i] + words[i]) | 0
    else for (let i = 0; i < words.length; i++) vector[at + i] = (vector[at + i] - words[i]) | 0
  } else {
    const words = new BigInt64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8)
    if (direction === 1) for (let i = 0; i < words.length; i++) vector[at + i] += words[i]
    else for (let i = 0; i < words.length; i++) vector[at + i] -= words[i]
  }
}

const secretKey = (header: Buffer, raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(concat(header, raw)), format: 'der', type: 'pkcs8' })

const publicKey = (header: Buffer, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(concat(header, raw)), format: 'der', type: 'spki' })

const rawPublic = (secret: KeyObject): Uint8Array =>
  bytesOf(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32))

const bytesOf = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)
