/** One link of a site: both sides prove their keys, then its runs are served until it ends. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fromHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import type { ProtocolError } from '../protocol/errors.ts'
import type { Finish } from '../protocol/participant/participant.ts'
import type { Random } from '../protocol/random.ts'
import { release } from '../protocol/release.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { SiteLinks } from '../protocol/wire/site-links.ts'
import { serveRuns } from '../protocol/wire/site-runs.ts'
import type { SiteConfig } from './config.ts'
import { carrierTo, connect } from './connect.ts'
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
  readonly links: SiteLinks
  readonly runs: RunsOfSite
  readonly desk: WatchedDesk
  /** The coordinator has proved its key. */
  readonly connected: () => void
}

export interface WayParts extends Pick<Session, 'config' | 'signal'> {
  readonly identity: Identity
  /** Versions of the wire to speak, oldest first. */
  readonly versions: readonly number[]
  readonly report: (event: LinkEvent) => void
}

export type LinkEvent =
  | { readonly type: 'reconnecting'; readonly seconds: number; readonly reason: string }
  /** The connection is back, and the runs go on as if it had not been away. */
  | { readonly type: 'resumed' }

export function linksTo({ config, signal, identity, versions, report }: WayParts): SiteLinks {
  const url = new URL(config.coordinator)
  return new SiteLinks({
    connect: () => connect(url),
    carrier: carrierTo(url),
    coordinator: fromHex(config.coordinatorKey),
    context: {
      ...{ identity, verify: nodeProvider.ed25519Verify, random, versions },
      agent: `concordat ${release}, Node ${process.versions.node.split('.')[0]}`,
    },
    isFinal,
    pause: async (failures, reason) => {
      const milliseconds = backOff(failures)
      report({ type: 'reconnecting', seconds: milliseconds / 1000, reason })
      await delay(milliseconds, undefined, { signal }).catch(() => {})
    },
    resumed: () => report({ type: 'resumed' }),
  })
}

/** @returns how the first run that ended over this link ended; `undefined` when none did. @throws ProtocolError why the coordinator ended it. */
export async function session({ config, signal, links, runs, desk, connected }: Session): Promise<Finish | undefined> {
  const link = await links.next()
  const stop = (): void => link.close()
  signal.addEventListener('abort', stop, { once: true })
  // What a person has decided, on a plan or a roster, is taken up by being offered the plans again.
  const unwatch = await desk.watch(stop)
  const unwatchRoster = watchRoster(config.roster, stop)
  try {
    if (signal.aborted) return undefined
    connected()
    let first: Finish | undefined
    await serveRuns({
      link,
      serve: async (run, part) => {
        const finish = await runs.serve(run, part)
        first ??= finish
        if (config.once && finish !== undefined) link.close()
      },
      isPassing: (error) => !isFinal(error),
      pause: (failures) => delay(backOff(failures), undefined, { signal }).catch(() => {}),
    })
    const ended = link.ended()
    if (ended !== undefined && ended.code !== 'ERR_LINK_LOST') throw ended
    return first
  } finally {
    unwatch()
    unwatchRoster()
    signal.removeEventListener('abort', stop)
    link.close()
  }
}
