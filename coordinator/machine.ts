/** What the coordinator's process takes from its machine: time, chance, and its own key. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import type { Random } from '../protocol/random.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { Clock } from './clock.ts'

export const clock: Clock = {
  now: () => Date.now(),
  wait: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, { signal, ref: true }).catch(() => {})
  },
}

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

/** The key at `path`, made there the first time. */
export async function openIdentity(path: string): Promise<Identity> {
  const { seed } = await openKeyFile(path)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}
