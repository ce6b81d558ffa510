/** `concordat ledger`: what this site's records have lost so far, run by run, and what is left of the budget. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError } from '../protocol/errors.ts'
import { epsilonOf, type LedgerEntry, type Loss, lossesByRun } from '../protocol/privacy/ledger.ts'
import { readLedgerFile } from './ledger-file.ts'

export function ledgerCommand(): Command {
  return new Command('ledger')
    .description('Show what the records of this site have lost of their privacy, and check that the ledger is whole')
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--delta <d>', 'chance that the bound does not hold; below 1 / records', delta, 1e-5)
    .option('--json', 'one JSON object')
    .action(show)
}

interface Options {
  readonly folder: string
  readonly delta: number
  readonly json?: true
}

/** What one run cost by itself, as it is printed. */
interface RunLoss {
  readonly session: string
  readonly plan: string
  readonly dataset: string
  readonly releases: number
  readonly unit: string | null
  /** `null` where something left without noise: nothing bounds the loss. */
  readonly epsilon: number | null
  readonly first: string
  readonly last: string
}

async function show({ folder, delta, json }: Options): Promise<void> {
  const keyFile = join(folder, 'identity.key')
  if (!existsSync(keyFile)) throw new InputError('ERR_KEY_FILE', 'expected the key of an agent', keyFile)
  const { seed } = await openKeyFile(keyFile)
  const { ledger, entries } = await readLedgerFile(folder, await nodeProvider.ed25519PublicKey(seed))
  const datasets = [...ledger.losses].map(([dataset, loss]) => ({ dataset, ...figures(loss, delta) }))
  const runs = runLosses(entries, delta)
  if (json) console.log(JSON.stringify({ delta, entries: entries.length, datasets, runs }))
  else console.log(lines({ delta, datasets, runs }).join('\n'))
}

const figures = (loss: Loss, at: number): Pick<RunLoss, 'releases' | 'unit' | 'epsilon'> => {
  const epsilon = epsilonOf(loss, at)
  return { releases: loss.releases, unit: loss.unit, epsilon: Number.isFinite(epsilon) ? epsilon : null }
}

const runLosses = (entries: readonly LedgerEntry[], at: number): RunLoss[] =>
  lossesByRun(entries).map(({ loss, first, last, ...run }) => ({
    ...run,
    ...figures(loss, at),
    first: new Date(first).toISOString(),
    last: new Date(last).toISOString(),
  }))

interface Shown {
  readonly delta: number
  readonly datasets: readonly (Pick<RunLoss, 'releases' | 'unit' | 'epsilon'> & { readonly dataset: string })[]
  readonly runs: readonly RunLoss[]
}

function lines({ delta: at, datasets, runs }: Shown): string[] {
  if (datasets.length === 0) return ['nothing has left yet']
  const loss = ({ releases, unit, epsilon }: Pick<RunLoss, 'releases' | 'unit' | 'epsilon'>): string =>
    `${String(releases).padStart(6)} releases, ${epsilon === null ? 'without noise: no bound for a person' : `epsilon ${epsilon.toFixed(4)} for a ${unit}`}`
  return [
    `delta ${at}; the ledger is whole`,
    ...datasets.map((each) => `${each.dataset.padEnd(24)}${loss(each)}`),
    ...runs.map((run) => `  ${run.last.slice(0, 10)}  ${run.plan.padEnd(24)}${loss(run)}`),
  ]
}

function delta(text: string): number {
  const value = Number(text)
  if (value > 0 && value < 1) return value
  throw new InvalidArgumentError('expected a number between 0 and 1')
}
