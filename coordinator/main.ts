/** `concordat coordinator`: starts the server that orchestrates rounds and learns only sums. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { parseRoster } from '../protocol/roster.ts'
import { startCoordinator } from './coordinator.ts'

interface Options {
  readonly dir: string
  readonly roster?: string
  readonly host: string
  readonly port: number
  readonly patience: number
  readonly assembly: number
  readonly database?: string
  readonly blobs?: string
  readonly json?: true
}

export function coordinatorCommand(): Command {
  return new Command('coordinator')
    .description('Start the coordinator: it orchestrates rounds and learns only sums')
    .option('--dir <folder>', 'where keys, journals and published sums are kept', 'concordat-coordinator')
    .option('--roster <file>', 'the sites and their keys (default: roster.json in --dir)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes any free one', wholeNumber(65_535), 7443)
    .option('--patience <seconds>', 'silence after which a site is given up for a round', seconds, 60)
    .option('--assembly <seconds>', 'wait for the rest of the roster once the quorum is there', seconds, 10)
    .addOption(
      new Option('--database <url>', 'PostgreSQL for runs and journals (default: SQLite in --dir)').env('DATABASE_URL'),
    )
    .addOption(
      new Option('--blobs <url>', 'S3-compatible bucket for sums and states (default: --dir)').env('BLOBS_URL'),
    )
    .option('--json', 'one JSON object a line')
    .action(start)
}

async function start(options: Options): Promise<void> {
  const rosterFile = options.roster ?? join(options.dir, 'roster.json')
  const text = await readFile(rosterFile, 'utf8').catch(() => {
    throw new InputError(
      'ERR_ROSTER',
      'no roster file; each site prints its line with "concordat keygen --name NAME"',
      rosterFile,
    )
  })
  const coordinator = await startCoordinator({
    folder: options.dir,
    host: options.host,
    port: options.port,
    roster: parseRoster(text),
    patience: options.patience * 1000,
    assembly: options.assembly * 1000,
    databaseUrl: options.database,
    blobsUrl: options.blobs,
  })
  const key = toHex(coordinator.identity)
  const url = `http://${options.host}:${coordinator.port}`
  if (options.json) console.log(JSON.stringify({ type: 'listening', url, port: coordinator.port, key }))
  else {
    console.log(`listening at ${url}`)
    console.log(`coordinator key ${key} (each site pins it with --coordinator-key)`)
  }
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  try {
    await Promise.race([stopped, coordinator.failed])
  } finally {
    await coordinator.close()
  }
}

const wholeNumber =
  (most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < 0 || value > most)
      throw new InvalidArgumentError(`expected a whole number from 0 to ${most}`)
    return value
  }

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value <= 86_400)) throw new InvalidArgumentError('expected seconds, 0 to 86400')
  return value
}
