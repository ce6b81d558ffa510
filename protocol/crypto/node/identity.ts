/** A party's own key as it signs: from a key file on the machine where it was born. */

import type { Identity } from '../../wire/handshake.ts'
import { openKeyFile } from './key-file.ts'
import { nodeProvider } from './provider.ts'

/** Reads the key at `path`, or makes one there. @throws InputError ERR_KEY_FILE */
export async function openIdentity(path: string): Promise<Identity> {
  const { seed } = await openKeyFile(path)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}
