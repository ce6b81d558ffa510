/** A federation in one process: the deployed participants and the deployed rounds, joined by memory channels. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../coordinator/clock.ts'
import type { RunEvent } from '../coordinator/events.ts'
import { Members } from '../coordinator/members.ts'
import { type RunResult, runPlan } from '../coordinator/run.ts'
import type { Journal } from '../coordinator/run-state.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf } from '../learning/computation.ts'
import { compareBytes } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { append, emptyHead } from '../protocol/journal/chain.ts'
import { createParticipant } from '../protocol/participant/participant.ts'
import { noPolicy } from '../protocol/participant/policy.ts'
import type { Plan } from '../protocol/plan.ts'
import type { Charge } from '../protocol/privacy/ledger.ts'
import type { Random } from '../protocol/random.ts'
import type { SiteLink } from '../protocol/wire/channel.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { memoryBlobs, memoryLink } from '../protocol/wire/memory-channel.ts'

const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

/** Runs `plan` over `sites` to its end; what a site releases is charged first, and its link may be wrapped. The model depends on plan and data alone, never on the keys drawn here. */
export async function federate(
  plan: Plan,
  sites: readonly Site[],
  report: (event: RunEvent) => void,
  charge: (site: string, charge: Charge) => Promise<void> = async () => {},
  shape: (link: SiteLink, site: string) => SiteLink = (link) => link,
): Promise<RunResult<unknown>> {
  const coordinator = await newIdentity()
  const parties = await Promise.all(sites.map(async (site) => ({ site, name: site.name, own: await newIdentity() })))
  parties.sort((a, b) => compareBytes(a.own.publicKey, b.own.publicKey))
  const roster = parties.map(({ name, own }) => ({ name, identity: own.publicKey }))
  const clock = {
    now: () => Date.now(),
    wait: (milliseconds: number, signal: AbortSignal) => delay(milliseconds, undefined, { signal }).catch(() => {}),
  }
  const members = new Members({ clock, patience: 600_000 })
  const blobs = memoryBlobs()
  const served = parties.map(({ site, name, own }, index) => {
    const link = memoryLink(blobs)
    members.connect({ index, name }, link.coordinator)
    let record: Uint8Array | undefined
    const participant = createParticipant<unknown, Site>({
      name,
      identity: own,
      coordinator: coordinator.publicKey,
      roster,
      provider: nodeProvider,
      random,
      log: {
        load: async () => record,
        commit: async (bytes) => {
          record = bytes
        },
      },
      now: () => ({ instant: clock.now(), zone: 0 }),
      policy: async () => noPolicy,
      desk: undefined,
      parse: () => plan,
      compute: () => ({ plan, ...computationOf(plan, roster.length) }),
      open: async () => ({ site: { ...site, random }, rows: site.table.rows }),
      during: (work) => work,
      charge: (cost) => charge(name, cost),
      keepReceipt: async () => {},
      report: () => {},
    })
    return participant.serve(shape(link.site, name))
  })
  const run = runPlan({
    plan,
    ...computationOf(plan, roster.length),
    roster,
    identity: coordinator,
    provider: nodeProvider,
    random,
    clock,
    members,
    blobs,
    nonce: random.bytes(32),
    from: undefined,
    journal: memoryJournal(coordinator, clock),
    report,
    assembly: undefined,
  })
  const [result] = await Promise.all([run, ...served])
  return result
}

/** The journal as deployed, kept nowhere: its head is what the sites are told. */
function memoryJournal(identity: Identity, clock: Clock): Journal {
  let head = emptyHead
  return async (entry) => {
    const appended = await append(head, entry, { at: clock.now(), sign: identity.sign })
    head = appended.head
    return appended
  }
}

async function newIdentity(): Promise<Identity> {
  const seed = random.bytes(32)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}
