/** The site's key in a browser: born here, and where the platform has Ed25519 it can sign but never be read. */

import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import type { Random } from '../../protocol/random.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import type { Store, StoredKey } from './store.ts'

export interface BrowserIdentity extends Identity {
  /** Whether the private key is beyond the reach of every script. */
  readonly sealed: boolean
}

/** The key this browser keeps, or a new one, kept before it is used. */
export async function openIdentity(store: Store, provider: CryptoProvider, random: Random): Promise<BrowserIdentity> {
  const kept = await store.get('key')
  if (kept !== undefined) return identityOf(kept, provider)
  const made = await makeKey(provider, random)
  await store.put('key', made)
  return identityOf(made, provider)
}

async function makeKey(provider: CryptoProvider, random: Random): Promise<StoredKey> {
  const pair = await generatePair()
  if (pair !== undefined) {
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
    return { kind: 'platform', publicKey, privateKey: pair.privateKey }
  }
  const seed = random.bytes(32)
  return { kind: 'seed', publicKey: await provider.ed25519PublicKey(seed), seed }
}

/** `undefined` where the browser lacks Ed25519. */
async function generatePair(): Promise<CryptoKeyPair | undefined> {
  try {
    const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
    return 'privateKey' in pair ? pair : undefined
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return undefined
    throw error
  }
}

function identityOf(key: StoredKey, provider: CryptoProvider): BrowserIdentity {
  if (key.kind === 'seed') {
    const sign = (message: Uint8Array): Promise<Uint8Array> => provider.ed25519Sign(key.seed, message)
    return { publicKey: key.publicKey, sign, sealed: false }
  }
  const sign = async (message: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign('Ed25519', key.privateKey, new Uint8Array(message)))
  return { publicKey: key.publicKey, sign, sealed: true }
}
