/** The site's own key as it signs: from the key file in the agent's folder. */

import { join } from 'node:path'
import { openIdentity } from '../protocol/crypto/node/identity.ts'
import type { Identity } from '../protocol/wire/handshake.ts'

export const identityFile = (folder: string): string => join(folder, 'identity.key')

/** @throws InputError ERR_KEY_FILE */
export const openSiteIdentity = (folder: string): Promise<Identity> => openIdentity(identityFile(folder))
