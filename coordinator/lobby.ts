/** The lobby: whoever connects proves a key of the roster here, or is told why not and cut off. */

import { equalBytes } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Random } from '../protocol/random.ts'
import type { CoordinatorLink } from '../protocol/wire/channel.ts'
import { type Identity, receive, welcome } from '../protocol/wire/handshake.ts'
import { encodeMessage, type RosterEntry } from '../protocol/wire/messages.ts'
import type { Hub } from './hub.ts'

/** A peer that has connected must prove who it is within this time. */
const handshakeMilliseconds = 10_000

export interface Lobby {
  readonly identity: Identity
  readonly hub: Hub
  /** The roster as it stands when somebody comes. */
  readonly roster: () => readonly RosterEntry[]
  readonly random: Random
}

export async function admit(link: CoordinatorLink, { identity, hub, roster, random }: Lobby): Promise<void> {
  const late = setTimeout(() => link.close(), handshakeMilliseconds)
  try {
    const isKnown = (key: Uint8Array): boolean => roster().some((entry) => equalBytes(entry.identity, key))
    const peer = await receive(link, isKnown, { identity, verify: nodeProvider.ed25519Verify, random })
    link.send(welcome(peer.token))
    hub.connect({ ...peer, link })
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    link.send(encodeMessage({ type: 'abort', attempt: 0, code: error.code, reason: error.message }))
    link.close()
  } finally {
    clearTimeout(late)
  }
}
