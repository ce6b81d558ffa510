/** Many sites in one process, over real sockets to a real coordinator: the deployed participants, whose contributions cost nothing. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { carrierTo, connect } from '../client-node/connect.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../learning/computation.ts'
import type { Algorithm, Lanes } from '../protocol/algorithm.ts'
import { compareBytes } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { createParticipant } from '../protocol/participant/participant.ts'
import { noPolicy } from '../protocol/participant/policy.ts'
import type { SiteEvent } from '../protocol/participant/shell.ts'
import { type Plan, parsePlanFile } from '../protocol/plan.ts'
import type { Random } from '../protocol/random.ts'
import type { SiteLink } from '../protocol/wire/channel.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { SiteLinks } from '../protocol/wire/site-links.ts'
import { serveRuns } from '../protocol/wire/site-runs.ts'

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

export interface Population {
  readonly roster: readonly RosterEntry[]
  readonly identities: readonly Identity[]
}

export async function population(count: number): Promise<Population> {
  const identities = await Promise.all(
    Array.from({ length: count }, async (): Promise<Identity> => {
      const seed = random.bytes(32)
      const publicKey = await nodeProvider.ed25519PublicKey(seed)
      return { publicKey, sign: (message) => nodeProvider.ed25519Sign(seed, message) }
    }),
  )
  identities.sort((a, b) => compareBytes(a.publicKey, b.publicKey))
  return { identities, roster: identities.map(({ publicKey }, i) => ({ name: `site-${i}`, identity: publicKey })) }
}

/** One site's way to the coordinator. */
export const linksOf = (url: URL, coordinator: Uint8Array, identity: Identity): SiteLinks =>
  new SiteLinks({
    ...{ connect: () => connect(url), carrier: carrierTo(url), coordinator, isFinal: () => false, resumed: () => {} },
    context: { identity, verify: nodeProvider.ed25519Verify, random },
    pause: () => delay(100),
  })

export interface SiteParts extends Population {
  readonly url: URL
  readonly coordinator: Uint8Array
  /** Every site has these rows: what one has computed serves all. */
  readonly site: Site
  readonly report: (index: number, event: SiteEvent) => void
}

/** Takes part in every run until the link ends, then connects again, until `signal` aborts. */
export async function takePart(index: number, parts: SiteParts, signal: AbortSignal): Promise<void> {
  const open = new Map<string, ReturnType<typeof participantFor>>()
  const serve = (run: string, link: SiteLink) => {
    const participant = open.get(run) ?? participantFor(index, parts)
    open.set(run, participant)
    return participant.serve(link)
  }
  const links = linksOf(parts.url, parts.coordinator, parts.identities[index])
  while (!signal.aborted) {
    try {
      const link = await links.next()
      signal.addEventListener('abort', () => link.close(), { once: true })
      if (signal.aborted) link.close()
      await serveRuns({ link, serve, isPassing: () => true, pause: async () => {} })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      await delay(100)
    }
  }
}

/** An algorithm as an object of its own, so that one of its methods can be exchanged. */
const bound = (of: Algorithm<unknown, Site>): Algorithm<unknown, Site> => ({
  init: () => of.init(),
  request: (state) => of.request(state),
  contribute: (...all) => of.contribute(...all),
  apply: (...all) => of.apply(...all),
  encode: (state) => of.encode(state),
  decode: (bytes) => of.decode(bytes),
  metrics: (state) => of.metrics(state),
  result: (state) => of.result(state),
})

const contributions = new Map<string, Promise<Lanes>>()

function participantFor(index: number, { identities, roster, coordinator, site, report }: SiteParts) {
  let record: Uint8Array | undefined
  const compute = (plan: Plan) => {
    const computation = computationOf(plan, roster.length)
    const { algorithm } = computation
    const contribute: typeof algorithm.contribute = (state, request, of, round) => {
      const key = `${plan.name}/${round}`
      const lanes = contributions.get(key) ?? algorithm.contribute(state, request, of, round)
      contributions.clear()
      contributions.set(key, lanes)
      return lanes
    }
    return { plan, ...computation, algorithm: { ...bound(algorithm), contribute } }
  }
  return createParticipant<unknown, Site>({
    ...{ name: roster[index].name, identity: identities[index], coordinator, roster, provider: nodeProvider, random },
    log: {
      load: async () => record,
      commit: async (bytes) => {
        record = bytes
      },
    },
    now: () => ({ instant: Date.now(), zone: 0 }),
    policy: async () => noPolicy,
    desk: undefined,
    parse: (text) => parsePlanFile(Buffer.from(text).toString('utf8'), planMenus).plan,
    compute,
    open: async () => ({ site, rows: site.table.rows }),
    during: (work) => work,
    charge: async () => {},
    keepReceipt: async () => {},
    report: (event) => report(index, event),
  })
}
