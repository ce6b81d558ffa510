/** The site in a browser: keeps a link to the coordinator, takes part in runs with the chosen file, and comes back by itself. */

import type { Site } from '../../learning/algorithms/site.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { Desk } from '../../protocol/participant/approval.ts'
import type { Finish, Participant } from '../../protocol/participant/participant.ts'
import type { Policy } from '../../protocol/participant/policy.ts'
import type { RecordBook, Records, SiteEvent } from '../../protocol/participant/shell.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Charge, PlannedRun } from '../../protocol/privacy/ledger.ts'
import type { Random } from '../../protocol/random.ts'
import { release } from '../../protocol/release.ts'
import type { SiteLink } from '../../protocol/wire/channel.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import type { RosterEntry } from '../../protocol/wire/messages.ts'
import { SiteLinks } from '../../protocol/wire/site-links.ts'
import { serveRuns } from '../../protocol/wire/site-runs.ts'
import { carrierTo, connect } from './connect.ts'
import type { Store } from './store.ts'

export interface BrowserSite {
  readonly name: string
  readonly url: URL
  readonly coordinator: Uint8Array
  readonly roster: readonly RosterEntry[]
  readonly identity: Identity
  readonly provider: CryptoProvider
  readonly random: Random
  readonly store: Store
  readonly book: RecordBook
  /** Why this site has left a run, where it has. */
  readonly withdrawn: (session: string) => Promise<string | undefined>
  readonly desk: Desk
  readonly policy: () => Promise<Policy>
  /** The rows for a plan. @throws InputError where they do not fit. */
  readonly open: (plan: Plan) => Promise<Records<Site>>
  readonly affords: (run: PlannedRun) => Promise<void>
  readonly charge: (charge: Charge) => Promise<void>
  readonly report: (event: BrowserEvent) => void
}

export type BrowserEvent = SiteEvent | { readonly type: 'link'; readonly state: 'off' | 'connecting' | 'connected' }

/** What turns a site away for good. */
const final = new Set(['ERR_UNTRUSTED_COORDINATOR', 'ERR_UNKNOWN_SITE', 'ERR_VERSION'])
const isFinal = ({ code }: ProtocolError): boolean => final.has(code)

export interface Agent {
  /** Ends the link; the agent connects anew at once, and is offered its plans again. */
  again(): void
  stop(): void
  /** Settles when the agent has stopped. @throws ProtocolError what trying again would not help. */
  readonly done: Promise<void>
}

export function startAgent(site: BrowserSite): Agent {
  const stopped = new AbortController()
  let link: SiteLink | undefined
  let wake: () => void = () => {}
  const participants = new Map<string, Participant>()
  const serve = async (run: string, part: SiteLink): Promise<Finish | undefined> => {
    // Algorithms and models are fetched when the first plan comes.
    const participant = participants.get(run) ?? (await import('./participant.ts')).participantOf(site)
    participants.set(run, participant)
    const finish = await participant.serve(part)
    if (finish !== undefined) participants.delete(run)
    return finish
  }
  const pause = (failures: number): Promise<void> =>
    new Promise((resolve) => {
      const late = setTimeout(resolve, backOff(failures, site.random))
      wake = () => {
        clearTimeout(late)
        resolve()
      }
    })

  const links = new SiteLinks({
    connect: () => connect(site.url),
    carrier: carrierTo(site.url, site.provider),
    coordinator: site.coordinator,
    context: {
      ...{ identity: site.identity, verify: site.provider.ed25519Verify, random: site.random },
      agent: `concordat ${release}, browser`,
    },
    isFinal,
    pause: (failures) => {
      site.report({ type: 'link', state: 'connecting' })
      return pause(failures)
    },
    resumed: () => site.report({ type: 'link', state: 'connected' }),
  })

  const session = async (): Promise<void> => {
    site.report({ type: 'link', state: 'connecting' })
    const opened = await links.next()
    link = opened
    try {
      if (stopped.signal.aborted) return
      site.report({ type: 'link', state: 'connected' })
      await serveRuns({ link: opened, serve, isPassing: (error) => !isFinal(error), pause })
      const ended = opened.ended()
      if (ended !== undefined && ended.code !== 'ERR_LINK_LOST') throw ended
    } finally {
      opened.close()
      link = undefined
      site.report({ type: 'link', state: 'off' })
    }
  }

  const run = async (): Promise<void> => {
    for (let failures = 0; !stopped.signal.aborted; failures++) {
      try {
        await session()
        failures = 0
      } catch (error) {
        if (!(error instanceof ProtocolError) || isFinal(error)) throw error
      }
      if (!stopped.signal.aborted) await pause(failures)
    }
  }
  return {
    again: () => {
      link?.close()
      wake()
    },
    stop: () => {
      stopped.abort()
      link?.close()
      links.close()
      wake()
    },
    done: run(),
  }
}

/** Full jitter (Brooker 2015), as every site's. */
const backOff = (failures: number, random: Random): number =>
  Math.round(Math.min(30_000, 250 * 2 ** Math.min(failures, 7)) * (0.5 + random.bytes(1)[0] / 512))
