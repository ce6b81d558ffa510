/** The crypto provider on WebCrypto (W3C Web Cryptography Level 2); curves the platform lacks come from the pure one. */

import { concat, fromHex } from '../../bytes.ts'
import { isCanonicalSignature } from '../canonical-signature.ts'
import { checkedSecret, lowOrderPoint } from '../low-order.ts'
import type { CryptoProvider } from '../provider.ts'
import { pureProvider } from '../pure-provider.ts'
import { fastestAddMasks } from './add-masks.ts'

type Curve = 'X25519' | 'Ed25519'

/** DER headers before the 32 bytes of a raw secret (RFC 8410): WebCrypto takes raw public keys, but no raw secrets. */
const secretHeader: Readonly<Record<Curve, Uint8Array>> = {
  X25519: fromHex('302e020100300506032b656e04220420'),
  Ed25519: fromHex('302e020100300506032b657004220420'),
}
const basePoint = Uint8Array.of(9, ...new Uint8Array(31))

/** What this place has: WebCrypto, which a page has over https and on localhost only, or else the pure provider. */
export const platformProvider = (): CryptoProvider =>
  globalThis.crypto?.subtle === undefined ? pureProvider : webProvider(globalThis.crypto.subtle)

export function webProvider(subtle: SubtleCrypto): CryptoProvider {
  const curves = { X25519: once(() => hasCurve(subtle, 'X25519')), Ed25519: once(() => hasCurve(subtle, 'Ed25519')) }
  const pick = async (curve: Curve): Promise<Curves> => ((await curves[curve]()) ? nativeCurves(subtle) : pureProvider)
  const addMasks = once(() => fastestAddMasks(subtle))
  return {
    name: 'WebCrypto',
    sha256: async (...parts) => new Uint8Array(await subtle.digest('SHA-256', own(concat(...parts)))),
    hkdf: async (secret, salt, info, length) => {
      const key = await subtle.importKey('raw', own(secret), 'HKDF', false, ['deriveBits'])
      const how = { name: 'HKDF', hash: 'SHA-256', salt: own(salt), info: own(info) }
      return new Uint8Array(await subtle.deriveBits(how, key, 8 * length))
    },
    x25519PublicKey: async (secret) => (await pick('X25519')).x25519PublicKey(secret),
    x25519: async (secret, peer) => (await pick('X25519')).x25519(secret, peer),
    ed25519PublicKey: async (seed) => (await pick('Ed25519')).ed25519PublicKey(seed),
    ed25519Sign: async (seed, message) => (await pick('Ed25519')).ed25519Sign(seed, message),
    ed25519Verify: async (key, message, signature) => (await pick('Ed25519')).ed25519Verify(key, message, signature),
    addMasks: async (vector, masks) => (await addMasks())(vector, masks),
  }
}

/** The part of a provider that older browsers lack. */
type Curves = Pick<CryptoProvider, 'x25519PublicKey' | 'x25519' | 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify'>

function nativeCurves(subtle: SubtleCrypto): Curves {
  const agree = async (secret: Uint8Array, peer: Uint8Array): Promise<Uint8Array> => {
    const key = await importSecret(subtle, 'X25519', secret)
    const publicKey = await subtle.importKey('raw', own(peer), 'X25519', false, [])
    return new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: publicKey }, key, 256))
  }
  return {
    x25519PublicKey: (secret) => agree(secret, basePoint),
    x25519: async (secret, peer) => {
      const shared = await agree(secret, peer).catch((error: unknown) => {
        // The specification makes a shared secret of zero an OperationError; anything else is a fault of ours.
        if (error instanceof DOMException && error.name === 'OperationError') throw lowOrderPoint()
        throw error
      })
      return checkedSecret(shared)
    },
    ed25519PublicKey: async (seed) => {
      const { x } = await subtle.exportKey('jwk', await importSecret(subtle, 'Ed25519', seed, true))
      if (x === undefined) throw new Error('an Ed25519 key without its public part')
      return Uint8Array.from(atob(x.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
    },
    ed25519Sign: async (seed, message) =>
      new Uint8Array(await subtle.sign('Ed25519', await importSecret(subtle, 'Ed25519', seed), own(message))),
    ed25519Verify: async (key, message, signature) => {
      if (!isCanonicalSignature(key, signature)) return false
      try {
        const publicKey = await subtle.importKey('raw', own(key), 'Ed25519', false, ['verify'])
        return await subtle.verify('Ed25519', publicKey, own(signature), own(message))
      } catch {
        // A key that is no point of the curve is refused at the import.
        return false
      }
    },
  }
}

const importSecret = (subtle: SubtleCrypto, curve: Curve, secret: Uint8Array, extractable = false) =>
  subtle.importKey('pkcs8', own(concat(secretHeader[curve], secret)), curve, extractable, [
    curve === 'X25519' ? 'deriveBits' : 'sign',
  ])

const hasCurve = (subtle: SubtleCrypto, curve: Curve): Promise<boolean> =>
  importSecret(subtle, curve, new Uint8Array(32).fill(1)).then(
    () => true,
    () => false,
  )

/** WebCrypto refuses views of shared memory, and its types say so. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
