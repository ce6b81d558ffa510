/** `concordat run PLAN`: submits a plan to a coordinator and follows its run to the end. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import * as z from 'zod'
import { errorCode, InputError, ProtocolError } from '../protocol/errors.ts'
import { type Call, caller, readToken } from './api-client.ts'
import { type FinishedEvent, parseRunEvent, type RunEvent } from './events.ts'
import { lineFor } from './terminal.ts'

interface Options {
  readonly coordinator: string
  readonly tokenFile: string
  readonly out: string
  readonly json?: true
}

export function runCommand(): Command {
  return new Command('run')
    .description('Submit a plan to a coordinator and follow its run')
    .argument('<plan>', 'plan file (YAML or JSON)')
    .option('--coordinator <url>', 'where the coordinator listens', 'http://127.0.0.1:7443')
    .option(
      '--token-file <file>',
      "the operator's token, made by the coordinator",
      'concordat-coordinator/operator.token',
    )
    .option('--out <folder>', 'where the result goes', 'out')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run(planFile: string, options: Options): Promise<void> {
  const plan = await readText(planFile, 'ERR_PLAN_FILE')
  const call = caller(options.coordinator, await readToken(options.tokenFile))
  const { id } = await submit(call, plan)
  let finished: FinishedEvent | undefined
  for await (const event of followToTheEnd(call, id)) {
    const line = options.json ? JSON.stringify(event) : lineFor(event)
    if (line !== undefined) console.log(line)
    if (event.type === 'failed') throw new ProtocolError(errorCode(event.code), event.reason)
    if (event.type === 'finished') finished = event
  }
  if (finished === undefined) throw new ProtocolError('ERR_UNREACHABLE', 'the coordinator stopped before the run ended')
  await mkdir(options.out, { recursive: true })
  const path = join(options.out, 'result.json')
  await writeFile(path, `${JSON.stringify(finished.result, null, 2)}\n`)
  if (!options.json) console.log(`result written to ${path}`)
}

async function submit(call: Call, plan: string): Promise<{ readonly id: string }> {
  const response = await call('runs', { method: 'POST', body: plan })
  return z.object({ id: z.string() }).parse(await response.json())
}

/** How long a coordinator may be away, in milliseconds, before a follower gives up; its run goes on all the same. */
const patience = 120_000

/** Follows a run through restarts of its coordinator. */
async function* followToTheEnd(call: Call, id: string): AsyncGenerator<RunEvent> {
  let round = -1
  for (let lost = 0; lost < patience; ) {
    try {
      for await (const event of follow(call, id)) {
        lost = 0
        // A new connection tells the run again from where the coordinator knows it.
        if (event.type === 'round' && event.round <= round) continue
        if (event.type === 'round') round = event.round
        yield event
        if (event.type === 'finished' || event.type === 'failed') return
      }
    } catch (error) {
      if (error instanceof ProtocolError && error.code !== 'ERR_UNREACHABLE') throw error
      if (lost + 500 >= patience) throw error
    }
    await delay(500)
    lost += 500
  }
}

async function* follow(call: Call, id: string): AsyncGenerator<RunEvent> {
  const response = await call(`runs/${id}/events`)
  if (response.body === null) return
  for await (const line of createInterface({ input: Readable.from(response.body) }))
    yield parseRunEvent(JSON.parse(line))
}

async function readText(path: string, code: `ERR_${string}`): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })
}
