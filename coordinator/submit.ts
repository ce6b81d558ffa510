/** `concordat run PLAN`: submits a plan to a coordinator and follows its run to the end. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { parseDocument } from 'yaml'
import * as z from 'zod'
import { driftOf } from '../learning/algorithms/drift.ts'
import { parseModel, parseModelFile } from '../learning/algorithms/model-file.ts'
import { InputError } from '../protocol/errors.ts'
import { type Call, caller, defaults, readToken } from './api-client.ts'
import { watch } from './watch.ts'

interface Options {
  readonly coordinator: string
  readonly tokenFile: string
  readonly out: string
  readonly without?: readonly string[]
  readonly against?: string
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
    .option('--without <site...>', 'leave these sites out, and say how far the model is from the one with them')
    .option('--against <file>', 'the model with them (default: result.json in --out)')
    .option('--detach', 'only submit: print the id of the run and leave')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run(planFile: string, options: Options): Promise<void> {
  const written = await readText(planFile, 'ERR_PLAN_FILE')
  const plan = options.without === undefined ? written : leavingOut(written, options.without)
  const call = caller(options.coordinator, await readToken(options.tokenFile))
  const { id } = await submit(call, plan)
  if (options.detach) {
    console.log(options.json ? JSON.stringify({ type: 'submitted', id }) : id)
    return
  }
  const finished = await watch(call, id, options)
  await mkdir(options.out, { recursive: true })
  const suffix = options.without === undefined ? '' : `-without-${options.without.join('-')}`
  const path = join(options.out, `result${suffix}.json`)
  await writeFile(path, `${JSON.stringify(finished.result, null, 2)}\n`)
  if (!options.json) console.log(`result written to ${path}`)
  if (options.without !== undefined) await tellDrift(finished.result, options)
}

/** An author's signature is over the plan with all its sites. */
function leavingOut(text: string, sites: readonly string[]): string {
  const document = parseDocument(text)
  document.set('without', sites)
  document.delete('author')
  return document.toString({ lineWidth: 0 })
}

async function tellDrift(result: unknown, { out, against, json }: Options): Promise<void> {
  const before = parseModelFile(await readText(against ?? join(out, 'result.json'), 'ERR_MODEL_FILE'))
  const drift = driftOf(before, parseModel(result))
  if (json) console.log(JSON.stringify({ type: 'drift', ...drift }))
  else {
    const { distance, relative, auc } = drift
    console.log(`drift: parameters ${distance.toFixed(4)} apart (${(100 * relative).toFixed(1)} % of the earlier norm)`)
    if (auc.change !== null)
      console.log(
        `drift: AUC ${auc.before?.toFixed(4)} before, ${auc.after?.toFixed(4)} after, each on its own held-out rows`,
      )
  }
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
