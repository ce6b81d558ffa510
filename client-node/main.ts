/** `concordat site`: a hospital's or a bank's agent, computing on records that stay where they are. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { InputError, ProtocolError, unreachable } from '../protocol/errors.ts'
import { type AgentEvent, runAgent } from './agent.ts'
import { writeCard } from './card.ts'
import { readSiteConfig } from './config.ts'
import { findRun } from './record-book.ts'

export function siteCommand(): Command {
  return new Command('site')
    .description("Take part in runs with this site's records; they never leave it")
    .option('--config <file>', 'YAML file with the options below, in camelCase')
    .option('--name <name>', "the site's name in the roster")
    .option('--coordinator <url>', 'where the coordinator listens')
    .option('--coordinator-key <hex>', "the coordinator's key, told to you over another channel")
    .option('--roster <file>', "the roster with every site's key")
    .option(
      '--data <path>',
      "the site's records: CSV, Parquet or IDX file, folder of images; databases stand in --config",
    )
    .option('--mapping <file>', 'how this file names and codes its columns, where it differs from the plan')
    .option('--folder <folder>', 'where the agent keeps its key, receipts and models (default: concordat-site)')
    .option('--policy <file>', 'what this site allows, confirmed by a person (default: policy.yaml in the folder)')
    .addOption(new Option('--engine <engine>', 'what trains').choices(['auto', 'compiled', 'tfjs']))
    .option('--once', 'leave when the first run has ended')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run({ config: file, json, ...flags }: Readonly<Record<string, unknown>>): Promise<void> {
  const config = await readSiteConfig(flags, typeof file === 'string' ? file : undefined)
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const models: Promise<void>[] = []
  await runAgent({
    config,
    trainer: chooseTrainer({
      ...(config.engine === 'auto' ? {} : { prefer: config.engine }),
      report: (line) =>
        console.log(json === true ? JSON.stringify({ type: 'engine', line }) : `${config.name}: ${line}`),
    }),
    signal: stopped.signal,
    report: (event) => {
      const { line, shown } = describe(event)
      console.log(json === true ? JSON.stringify(shown) : `${config.name}: ${line}`)
      if (event.type === 'finished') models.push(keepResult(config.folder, event))
    },
  })
  await Promise.all(models)
}

/** The model for whoever uses it, and the card of the run, which its own copy of the journal must bear out. */
async function keepResult(
  folder: string,
  { session, result }: Extract<AgentEvent, { readonly type: 'finished' }>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(result, null, 2)}\n`)
  try {
    await writeCard(await findRun(folder, session), join(folder, 'runs', session))
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof InputError)) throw error
    console.error(`no model card was written: ${error.code} ${error.message}`)
  }
}

/** The line for a person, and what a program is shown: the result itself goes to a file. */
function describe(event: AgentEvent): { readonly line: string; readonly shown: unknown } {
  switch (event.type) {
    case 'connected':
      return { line: 'connected, the coordinator proved its key', shown: event }
    case 'roster':
      return {
        line: `the coordinator has a new roster, version ${event.version}, whose words are "${event.words}": compare them with another site, then: concordat roster --accept "WORDS"`,
        shown: event,
      }
    case 'reconnecting':
      return { line: `${event.reason}; trying again in ${event.seconds.toFixed(1)} s`, shown: event }
    case 'resumed':
      return { line: 'connected again; everything goes on where it stopped', shown: event }
    case 'joined':
      return { line: `joined ${event.plan}`, shown: event }
    case 'declined':
    case 'refused':
      return { line: `${event.type}: ${event.code} ${event.reason}`, shown: event }
    case 'charged': {
      const { epsilon, delta, unit, releases } = event
      return {
        line: `charged: epsilon ${epsilon.toFixed(4)} at delta ${delta} for a ${unit} after ${releases} releases`,
        shown: event,
      }
    }
    case 'contributing':
      return { line: `round ${event.round}: ${event.purpose}`, shown: event }
    case 'contributed':
      return { line: `round ${event.round}: sent ${event.bytes} masked bytes`, shown: event }
    case 'committed':
      return { line: `round ${event.round}: the sum over ${event.sites} sites holds`, shown: event }
    case 'pages':
      return { line: `the coordinator serves pages of build ${event.hash}`, shown: event }
    case 'countersigned':
      return { line: `the journal holds; signed its ${event.entries} entries`, shown: event }
    case 'withdrawn':
      return { line: `told the coordinator that this site leaves ${event.plan}: ${event.reason}`, shown: event }
    case 'finished':
      return {
        line: `the run has ended: ${event.reason}`,
        shown: { type: event.type, code: event.code, reason: event.reason },
      }
    default:
      return unreachable(event)
  }
}
