/** The lobby: whoever connects proves a key of the roster here, or is told why not and cut off. */

import { equalBytes } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Random } from '../protocol/random.ts'
import { type Identity, receive, welcome } from '../protocol/wire/handshake.ts'
import { farewell } from '../protocol/wire/lasting-channel.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import type { Hub } from './hub.ts'
import type { Connection } from './server.ts'

/** A peer that has connected must prove who it is within this time. */
const handshakeMilliseconds = 10_000

export interface Lobby {
  readonly identity: Identity
  readonly hub: Hub
  /** The roster as it stands when somebody comes. */
  readonly roster: () => readonly RosterEntry[]
  readonly random: Random
  /** The versions of the wire to speak, oldest first; all that are known where unset. */
  readonly versions?: readonly number[] | undefined
}

export async function admit(connection: Connection, lobby: Lobby): Promise<void> {
  const { identity, hub, roster, random, versions } = lobby
  const late = setTimeout(() => connection.close(), handshakeMilliseconds)
  try {
    const known = {
      isSite: (key: Uint8Array) => roster().some((entry) => equalBytes(entry.identity, key)),
      tokenOf: (key: Uint8Array) => hub.tokenOf(key),
    }
    const context = { identity, verify: nodeProvider.ed25519Verify, random, ...(versions && { versions }) }
    const peer = await receive(connection, known, context)
    connection.trust()
    if (peer.resumed !== undefined && hub.resume({ ...peer, connection, taken: peer.resumed })) return
    // Where the link has ended while the site proved that it is its own, it begins anew.
    const token = peer.resumed === undefined ? peer.token : random.bytes(32)
    connection.send(welcome(token))
    hub.connect({ ...peer, token, connection })
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    connection.send(farewell(error.code, error.message))
    connection.close()
  } finally {
    clearTimeout(late)
  }
}
