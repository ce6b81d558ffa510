/** `concordat run PLAN`: submits a plan to a coordinator and follows its run to the end. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import * as z from 'zod'
import { InputError } from '../protocol/errors.ts'
import { type Call, caller, defaults, readToken } from './api-client.ts'
import { watch } from './watch.ts'

interface Options {
  readonly coordinator: string
  readonly tokenFile: string
  readonly out: string
  readonly detach?: true
  readonly json?: true
}

export function runCommand(): Command {
  return new Command('run')
    .description('Submit a plan to a coordinator and follow its run; "concordat runs" does the rest')
    .argument('<plan>', 'plan file (YAML or JSON)')
    .option('--coordinator <url>', 'where the coordinator listens', defaults.coordinator)
    .option('--token-file <file>', "the operator's token, made by the coordinator", defaults.tokenFile)
    .option('--out <folder>', 'where the result goes', 'out')
    .option('--detach', 'only submit: print the id of the run and leave')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run(planFile: string, options: Options): Promise<void> {
  const plan = await readText(planFile, 'ERR_PLAN_FILE')
  const call = caller(options.coordinator, await readToken(options.tokenFile))
  const { id } = await submit(call, plan)
  if (options.detach) {
    console.log(options.json ? JSON.stringify({ type: 'submitted', id }) : id)
    return
  }
  const finished = await watch(call, id, options)
  await mkdir(options.out, { recursive: true })
  const path = join(options.out, 'result.json')
  await writeFile(path, `${JSON.stringify(finished.result, null, 2)}\n`)
  if (!options.json) console.log(`result written to ${path}`)
}

async function submit(call: Call, plan: string): Promise<{ readonly id: string }> {
  const response = await call('runs', { method: 'POST', body: plan })
  return z.object({ id: z.string() }).parse(await response.json())
}

async function readText(path: string, code: `ERR_${string}`): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })
}
