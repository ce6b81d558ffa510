/** One run from where the store left it to its end, a pause, or a fault. */

import { computationOf, planMenus } from '../learning/computation.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { checkpointOf } from './checkpoint.ts'
import type { RunEvent } from './events.ts'
import type { Hub } from './hub.ts'
import { openJournal } from './journal.ts'
import { clock, random } from './machine.ts'
import type { Members } from './members.ts'
import { finishedEvent, runPlan } from './run.ts'
import type { BlobsOfRun } from './run-blobs.ts'
import type { NewRun, Store } from './store/store.ts'

export interface ExecutionParts {
  readonly store: Store
  readonly identity: Identity
  readonly hub: Hub
  readonly blobsOf: BlobsOfRun
  /** The build of the pages that are served. */
  readonly pages: string
  /** Milliseconds to wait for the rest of the roster once the quorum is there. */
  readonly assembly: number
}

export interface Execution extends ExecutionParts {
  readonly run: NewRun
  readonly roster: readonly RosterEntry[]
  readonly members: Members
  readonly report: (event: RunEvent) => void
}

/** @throws Halted, InputError, ProtocolError. */
export async function execute({ run, roster, members, hub, ...parts }: Execution): Promise<void> {
  const { plan, computation, journal, entries, from, blobs } = await restore(run, roster, parts)
  hub.open(run.id, members, roster)
  try {
    await runPlan({
      ...parts,
      ...computation,
      ...{
        plan,
        roster,
        members,
        nonce: run.nonce,
        provider: nodeProvider,
        random,
        clock,
        journal,
        entries,
        blobs,
        from,
      },
    })
  } finally {
    hub.close(run.id)
  }
}

/** A run as its journal tells it. @throws ProtocolError ERR_JOURNAL, InputError ERR_STORE. */
export async function restore(
  run: NewRun,
  roster: readonly RosterEntry[],
  parts: Pick<ExecutionParts, 'store' | 'identity' | 'blobsOf'>,
) {
  const { plan } = parsePlanFile(run.plan, planMenus)
  const computation = computationOf(plan, roster.length)
  const { journal, entries } = await openJournal(run.id, { ...parts, clock })
  const blobs = parts.blobsOf(run.id)
  const from = await checkpointOf(
    entries.map(({ entry }) => entry),
    computation.algorithm,
    blobs,
  )
  return { plan, computation, journal, entries, from, blobs }
}

/** What a run that has finished tells whoever asks later; `undefined` where its journal has not ended. */
export async function outcomeOf(
  run: NewRun,
  roster: readonly RosterEntry[],
  parts: Pick<ExecutionParts, 'store' | 'identity' | 'blobsOf'>,
): Promise<RunEvent | undefined> {
  const { computation, from } = await restore(run, roster, parts)
  if (from?.finished !== true) return undefined
  const { algorithm } = computation
  const stateHash = await nodeProvider.sha256(algorithm.encode(from.state))
  return finishedEvent(algorithm, { state: from.state, rounds: from.rounds, stateHash })
}
