/** `concordat audit`: an operator checks the coordinator's own store, also while the coordinator works on it. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { auditRuns, type RunAudit } from './audit.ts'
import { openBlobs } from './store/blobs/index.ts'
import { openStore } from './store/index.ts'

interface Options {
  readonly dir: string
  readonly run?: string
  readonly database?: string
  readonly blobs?: string
  readonly json?: true
}

export function auditCommand(): Command {
  return (
    new Command('audit')
      // What follows the name of a command below it is that command's own.
      .enablePositionalOptions()
      .description(
        "Check the coordinator's store: every signature and link of each journal, every step whose sum is kept, budgets, blobs; exits 3 where something does not hold. Changes nothing",
      )
      .option('--dir <folder>', "the coordinator's folder", 'concordat-coordinator')
      .option('--run <id>', 'one run (default: all)')
      .addOption(new Option('--database <url>', 'PostgreSQL, where the store is there').env('DATABASE_URL'))
      .addOption(new Option('--blobs <url>', 'the bucket, where sums and states are there').env('BLOBS_URL'))
      .option('--json', 'one JSON object')
      .action(run)
  )
}

async function run({ dir, run: id, database, blobs: blobsUrl, json }: Options): Promise<void> {
  const key = join(dir, 'coordinator.key')
  const folder = join(dir, 'blobs')
  // What is missing is said, and not made.
  for (const path of [key, ...(blobsUrl === undefined ? [folder] : [])])
    if (!existsSync(path)) throw new InputError('ERR_STORE', 'expected the folder of a coordinator (--dir)', path)
  const coordinator = await nodeProvider.ed25519PublicKey((await openKeyFile(key)).seed)
  const blobs = await openBlobs(folder, blobsUrl, process.env)
  const store = await openStore(dir, database, { reading: true })
  let audits: readonly RunAudit[]
  try {
    audits = await auditRuns({ store, blobs, coordinator }, id)
  } finally {
    await store.close()
  }
  if (json) console.log(JSON.stringify({ runs: audits.map(shown) }))
  else console.log(audits.length === 0 ? 'no runs' : audits.map(line).join('\n'))
  const broken = audits.filter((each) => each.verdict !== 'not begun' && !each.verdict.ok)
  if (broken.length > 0)
    throw new ProtocolError(
      'ERR_AUDIT',
      `of ${audits.length} runs ${broken.length} do not hold: ${broken.map((each) => each.id).join(', ')}`,
    )
}

function shown({ verdict, ...about }: RunAudit): unknown {
  if (verdict === 'not begun') return { ...about, holds: true, rounds: 0 }
  if (!verdict.ok) return { ...about, holds: false, index: verdict.index, reason: verdict.reason }
  const { rounds, recomputed, budgets, session, stateHash, finished, withdrawn, countersigned } = verdict
  return {
    ...{ ...about, holds: true, rounds, recomputed, budgets, session, stateHash, finished, withdrawn },
    countersigned: Object.fromEntries(countersigned),
  }
}

function line({ id, name, entries, verdict }: RunAudit): string {
  if (verdict === 'not begun') return `not begun: ${name} (${id})`
  if (!verdict.ok) return `does not hold: ${name} (${id}), entry ${verdict.index}: ${verdict.reason}`
  const { rounds, recomputed, budgets, countersigned, finished, stateHash } = verdict
  const costs = budgets === 0 ? '' : `, the privacy spent after ${budgets}`
  return `holds: ${name} (${id}), ${entries} entries, ${rounds} rounds, ${recomputed} recomputed from the sums that are kept${costs}, countersigned by ${countersigned.size} sites, ${finished ? 'ended' : 'not ended'} with ${stateHash}`
}
