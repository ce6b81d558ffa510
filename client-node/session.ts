/** One connection of a site: both sides prove their keys, then its runs are served until the link ends. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fromHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import type { ProtocolError } from '../protocol/errors.ts'
import type { Finish } from '../protocol/participant/participant.ts'
import type { Random } from '../protocol/random.ts'
import { greet, type Identity } from '../protocol/wire/handshake.ts'
import { serveRuns } from '../protocol/wire/site-runs.ts'
import type { SiteConfig } from './config.ts'
import { connect } from './connect.ts'
import type { WatchedDesk } from './desk.ts'
import { watchRoster } from './roster-watch.ts'
import type { RunsOfSite } from './site-runs.ts'

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

/** What turns a site away for good: trying again would not help. */
const final = new Set(['ERR_UNTRUSTED_COORDINATOR', 'ERR_UNKNOWN_SITE', 'ERR_VERSION', 'ERR_ROSTER_MISMATCH'])

export const isFinal = ({ code }: ProtocolError): boolean => final.has(code)

/** Milliseconds; jitter (Brooker 2015), so that a restarted coordinator is not met by all sites at once. */
export const backOff = (failures: number): number =>
  Math.round(Math.min(30_000, 250 * 2 ** Math.min(failures, 7)) * (0.5 + randomBytes(1)[0] / 512))

export interface Session {
  readonly config: SiteConfig
  readonly signal: AbortSignal
  readonly identity: Identity
  readonly runs: RunsOfSite
  readonly desk: WatchedDesk
  /** Versions of the wire to speak, oldest first. */
  readonly versions: readonly number[]
  /** The coordinator has proved its key. */
  readonly connected: () => void
}

/** @returns how the first run that ended over this link ended; `undefined` when none did. */
export async function session(parts: Session): Promise<Finish | undefined> {
  const { config, signal, identity, runs, desk, versions } = parts
  const link = await connect(new URL(config.coordinator))
  const stop = (): void => link.close()
  signal.addEventListener('abort', stop, { once: true })
  // What a person has decided, on a plan or a roster, is taken up by being offered the plans again.
  const unwatch = await desk.watch(stop)
  const unwatchRoster = watchRoster(config.roster, stop)
  try {
    const context = { identity, verify: nodeProvider.ed25519Verify, random, versions }
    const { token, version } = await greet(link, fromHex(config.coordinatorKey), context)
    link.authorise(token)
    parts.connected()
    let first: Finish | undefined
    await serveRuns({
      link,
      version,
      serve: async (run, part) => {
        const finish = await runs.serve(run, part)
        first ??= finish
        if (config.once && finish !== undefined) link.close()
      },
      isPassing: (error) => !isFinal(error),
      pause: (failures) => delay(backOff(failures), undefined, { signal }).catch(() => {}),
    })
    return first
  } finally {
    unwatch()
    unwatchRoster()
    signal.removeEventListener('abort', stop)
    link.close()
  }
}
