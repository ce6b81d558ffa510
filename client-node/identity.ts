/** The site's own key as it signs: from the key file in the agent's folder. */

import { join } from 'node:path'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import type { Identity } from '../protocol/wire/handshake.ts'

export const identityFile = (folder: string): string => join(folder, 'identity.key')

/** @throws InputError ERR_KEY_FILE */
export const openSiteIdentity = (folder: string): Promise<Identity> => openIdentity(identityFile(folder))

/** Reads the key at `path`, or makes one there. @throws InputError ERR_KEY_FILE */
export async function openIdentity(path: string): Promise<Identity> {
  const { seed } = await openKeyFile(path)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}
