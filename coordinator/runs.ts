/** The runs of a coordinator: submitted by the operator, taken up again after a restart, executed one after another. */

import { randomBytes } from 'node:crypto'
import { computationOf, planMenus } from '../learning/computation.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import type { Runs, RunView } from './api.ts'
import { checkpointOf } from './checkpoint.ts'
import { EventLog } from './event-log.ts'
import type { TimedEvent } from './events.ts'
import { openJournal } from './journal.ts'
import { clock, random } from './machine.ts'
import type { Members } from './members.ts'
import type { ObservedRun } from './operations/observer.ts'
import { runPlan } from './run.ts'
import type { BlobsOfRun } from './run-blobs.ts'
import { isStoreFault } from './store/faults.ts'
import type { NewRun, RosterVersion, Store } from './store/store.ts'

export interface RunsParts {
  readonly store: Store
  readonly identity: Identity
  readonly members: Members
  /** The current roster, for runs to come. */
  readonly roster: () => RosterVersion
  readonly blobsOf: BlobsOfRun
  /** Told of everything that happens in a run. */
  readonly observe: (run: ObservedRun, event: TimedEvent) => void
  /** The store has failed: no run can go on. */
  readonly onFault: (error: unknown) => void
  readonly assembly: number
}

export async function openRuns(parts: RunsParts): Promise<Runs> {
  const { store, roster } = parts
  const views = new Map<string, RunView>()
  let last: Promise<void> = Promise.resolve()
  const rosters = new Map((await store.rosters()).map(({ version, sites }) => [version, sites]))
  const enqueue = (run: NewRun): RunView => {
    const sites = rosters.get(run.roster) ?? roster().sites
    const name = checkedPlan(run.plan, sites)
    const events = new EventLog(clock, (event) => parts.observe({ id: run.id, name }, event))
    const view: RunView = { id: run.id, name, plan: run.plan, follow: () => events.follow() }
    views.set(run.id, view)
    last = last.then(() => execute({ ...parts, run, events, sites }))
    return view
  }
  for (const run of await store.runs()) if (run.status === 'open') enqueue(run)
  return {
    find: (id) => views.get(id),
    list: () => [...views.values()],
    submit: async (plan) => {
      const { version, sites } = roster()
      checkedPlan(plan, sites)
      const run: NewRun = {
        ...{ id: randomBytes(8).toString('hex'), plan, nonce: random.bytes(32) },
        ...{ roster: version, submitted: clock.now() },
      }
      await store.addRun(run)
      return enqueue(run)
    },
  }
}

/** Faults of the plan as a whole show here, before any site is asked. @returns its name. @throws InputError. */
function checkedPlan(text: string, sites: readonly RosterEntry[]): string {
  const { plan } = parsePlanFile(text, planMenus)
  computationOf(plan, sites.length)
  return plan.name
}

interface Execution extends RunsParts {
  readonly run: NewRun
  readonly events: EventLog
  readonly sites: readonly RosterEntry[]
}

async function execute({ run, events, sites, ...parts }: Execution): Promise<void> {
  const { store, onFault } = parts
  try {
    const { plan } = parsePlanFile(run.plan, planMenus)
    const { journal, entries } = await openJournal(run.id, { ...parts, clock })
    const computation = computationOf(plan, sites.length)
    const blobs = parts.blobsOf(run.id)
    await runPlan({
      ...parts,
      ...computation,
      ...{ plan, roster: sites, nonce: run.nonce, provider: nodeProvider, random, clock, journal, blobs },
      from: await checkpointOf(
        entries.map(({ entry }) => entry),
        computation.algorithm,
        blobs,
      ),
      report: events.add.bind(events),
    })
    await store.setStatus(run.id, 'finished')
  } catch (error) {
    // A fault of ours or of the store leaves the run open: a restart takes it up again.
    if (isStoreFault(error)) return onFault(error)
    const { code, reason } = failureOf(error)
    if (code !== 'ERR_JOURNAL' && code !== 'ERR_INTERNAL') await store.setStatus(run.id, 'failed', { code, reason })
    events.add({ type: 'failed', code, reason })
  } finally {
    events.end()
  }
}

function failureOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (error instanceof InputError || error instanceof ProtocolError) return { code: error.code, reason: error.message }
  console.error(error)
  return { code: 'ERR_INTERNAL', reason: 'the coordinator failed; its own terminal says why' }
}
