/** `concordat coordinator`: starts the server that orchestrates rounds and learns only sums. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { parseRoster } from '../protocol/roster.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { startCoordinator } from './coordinator.ts'
import type { TlsFiles } from './doors/tls.ts'
import { type LogLevel, logLevels } from './operations/log.ts'

interface Options {
  readonly dir: string
  readonly roster?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly proxies: number
  readonly logLevel: LogLevel
  readonly logFile?: string
  readonly traces?: string
  readonly host: string
  readonly port: number
  readonly patience: number
  readonly stragglerFactor?: number
  readonly grace: number
  readonly assembly: number
  readonly runsAtOnce: number
  readonly database?: string
  readonly blobs?: string
  readonly json?: true
}

export function coordinatorCommand(): Command {
  return new Command('coordinator')
    .description('Start the coordinator: it orchestrates rounds and learns only sums')
    .option('--dir <folder>', 'where keys, journals and published sums are kept', 'concordat-coordinator')
    .option(
      '--roster <file>',
      'a roster made by hand (default: roster.json in --dir, or else sites enrol by invitation)',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes any free one', wholeNumber(65_535), 7443)
    .option('--tls-cert <file>', 'certificate and chain (PEM) for https; read again on SIGHUP')
    .option('--tls-key <file>', "the certificate's key (PEM)")
    .option('--proxies <number>', "reverse proxies in front, whose word on a peer's address counts", wholeNumber(10), 0)
    .option('--patience <seconds>', 'silence after which a site is given up for a round', seconds, 60)
    .option(
      '--straggler-factor <number>',
      'a site still at work when a sum could do without it gets so many times what the slowest of the others took, and --patience at the least; "off" waits for it',
      stragglerFactor,
      10,
    )
    .option('--grace <seconds>', 'wait for a site that lost its connection when nobody else is waited for', seconds, 2)
    .option('--assembly <seconds>', 'wait for the rest of the roster once the quorum is there', seconds, 10)
    .option('--runs-at-once <number>', 'runs under way at one time; further ones are queued', wholeNumber(1000), 4)
    .addOption(
      new Option('--database <url>', 'PostgreSQL for runs and journals (default: SQLite in --dir)').env('DATABASE_URL'),
    )
    .addOption(
      new Option('--blobs <url>', 'S3-compatible bucket for sums and states (default: --dir)').env('BLOBS_URL'),
    )
    .addOption(new Option('--log-level <level>', 'structured logs of runs').choices(logLevels).default('silent'))
    .option('--log-file <file>', 'where they are appended (default: standard error)')
    .addOption(
      new Option('--traces <url>', 'OpenTelemetry collector (OTLP over HTTP)').env('OTEL_EXPORTER_OTLP_ENDPOINT'),
    )
    .option('--json', 'one JSON object a line')
    .action(start)
}

async function start(options: Options): Promise<void> {
  const coordinator = await startCoordinator({
    folder: options.dir,
    host: options.host,
    port: options.port,
    roster: await handmadeRoster(options),
    tls: tlsFiles(options),
    proxies: options.proxies,
    operations: { logLevel: options.logLevel, logFile: options.logFile, traces: options.traces },
    onEnrolment: ({ type, site }) => {
      if (options.json) console.log(JSON.stringify({ type, site }))
      else
        console.log(
          `${site} ${type === 'applied' ? 'applies' : 'has a new key'}: concordat approve ${site} --words "…"`,
        )
    },
    patience: options.patience * 1000,
    stragglerFactor: options.stragglerFactor,
    grace: options.grace * 1000,
    assembly: options.assembly * 1000,
    runsAtOnce: Math.max(1, options.runsAtOnce),
    databaseUrl: options.database,
    blobsUrl: options.blobs,
  })
  const key = toHex(coordinator.identity)
  const url = `${options.tlsCert === undefined ? 'http' : 'https'}://${options.host}:${coordinator.port}`
  if (options.json) console.log(JSON.stringify({ type: 'listening', url, port: coordinator.port, key }))
  else {
    console.log(`listening at ${url}`)
    console.log(`coordinator key ${key} (each site pins it with --coordinator-key)`)
  }
  process.on('SIGHUP', () => {
    coordinator.renewCertificate().catch((error: unknown) => console.error(String(error)))
  })
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  try {
    await Promise.race([stopped, coordinator.failed])
  } finally {
    await coordinator.close()
  }
}

/** `undefined` where sites enrol by invitation. @throws InputError ERR_ROSTER */
async function handmadeRoster({ roster, dir }: Options): Promise<readonly RosterEntry[] | undefined> {
  const path = roster ?? join(dir, 'roster.json')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (roster === undefined) return undefined
    throw new InputError('ERR_ROSTER', error instanceof Error ? error.message : String(error), path)
  })
  return text === undefined ? undefined : parseRoster(text)
}

function tlsFiles({ tlsCert, tlsKey }: Options): TlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new InputError('ERR_TLS', 'expected both --tls-cert and --tls-key, or neither')
  return { certificate: tlsCert, key: tlsKey }
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

function stragglerFactor(text: string): number | undefined {
  if (text === 'off') return undefined
  const value = Number(text)
  if (!(value >= 1 && value <= 1000)) throw new InvalidArgumentError('expected "off" or a number from 1 to 1000')
  return value
}
