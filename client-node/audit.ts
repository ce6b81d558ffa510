/** `concordat audit verify`: a site replays a run from its own copy, or holds another party's journal against it. */

import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { type AuditVerdict, audit, type Replayed } from '../learning/audit.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { headAfter } from '../protocol/journal/chain.ts'
import { decodeLog } from '../protocol/journal/codec.ts'
import { findRun, type KeptRun } from './record-book.ts'

interface Options {
  readonly folder: string
  readonly journal?: string
  readonly json?: true
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Replay a run: every signature, and every global step from the published sums; exits 3 where it does not hold',
    )
    .argument('[run]', "the run's session, or its plan's name; default: the last run")
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--journal <file>', "another party's copy of the journal, held against what this site has signed")
    .option('--json', 'one JSON object')
    .action(verify)
}

async function verify(wanted: string | undefined, { folder, journal, json }: Options): Promise<void> {
  const run = await findRun(folder, wanted)
  const entries = journal === undefined ? run.entries : decodeLog(await readJournal(journal)).entries
  const verdict = await audit({
    plan: run.plan,
    entries,
    keys: { coordinator: run.coordinator, roster: run.roster, seen: journal === undefined ? [] : ownHead(run) },
    provider: nodeProvider,
    sum: run.sum,
  })
  if (json) console.log(JSON.stringify(shown(run, verdict)))
  if (!verdict.ok) throw new ProtocolError('ERR_AUDIT', `entry ${verdict.index} does not hold: ${verdict.reason}`)
  if (json) return
  console.log(line(run, verdict))
  for (const hash of verdict.pages) console.log(`the coordinator served pages of build ${hash}`)
}

/** What this site has followed, and signed at the end of every round. */
const ownHead = ({ entries }: KeptRun): readonly { readonly index: number; readonly hash: Uint8Array }[] =>
  entries.slice(-1).map(headAfter)

function shown({ session, plan }: KeptRun, verdict: AuditVerdict): unknown {
  if (!verdict.ok) return { session, plan: plan.name, holds: false, index: verdict.index, reason: verdict.reason }
  const { rounds, budgets, stateHash, finished, pages, countersigned, withdrawn } = verdict
  return {
    ...{ session, plan: plan.name, holds: true, rounds, budgets, stateHash, finished, pages, withdrawn },
    countersigned: Object.fromEntries(countersigned),
  }
}

function line({ plan, entries, roster }: KeptRun, { rounds, stateHash, finished, countersigned }: Replayed): string {
  const signed = roster.filter(({ name }) => (countersigned.get(name) ?? 0) > 0).length
  return `holds: ${plan.name}, ${entries.length} entries, ${rounds} rounds recomputed, countersigned by ${signed} of ${roster.length} sites, ${finished ? 'ended' : 'not ended'} with ${stateHash}`
}

const readJournal = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((error: unknown) => {
    throw new InputError('ERR_RECORD', error instanceof Error ? error.message : String(error), path)
  })
