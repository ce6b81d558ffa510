/** `concordat runs …`: lists the runs of a coordinator, watches, pauses, resumes and stops them, fetches a journal. */

import { Command } from 'commander'
import type * as z from 'zod'
import { type Call, caller, defaults, readToken } from './api-client.ts'
import { routes } from './api-routes.ts'
import { watch } from './watch.ts'

interface Options {
  readonly coordinator: string
  readonly tokenFile: string
  readonly json?: true
}

const summaries = routes.listRuns.answer.schema
const summarySchema = routes.showRun.answer.schema

export function runsCommand(): Command {
  const command = new Command('runs').description('The runs of a coordinator')
  const add = (name: string, text: string, act: (call: Call, options: Options, id: string) => Promise<void>): void => {
    const sub = command.command(name).description(text).exitOverride()
    if (name !== 'list') sub.argument('<id>', 'the id of the run')
    sub
      .option('--coordinator <url>', 'where the coordinator listens', defaults.coordinator)
      .option('--token-file <file>', "the operator's token, made by the coordinator", defaults.tokenFile)
      .option('--json', 'JSON instead of a table')
      .action(async () => {
        const options = sub.opts<Options>()
        await act(caller(options.coordinator, await readToken(options.tokenFile)), options, sub.args[0] ?? '')
      })
  }
  add('list', 'All runs, oldest first', async (call, options) => {
    const runs = summaries.parse(await (await call('runs')).json())
    if (options.json) console.log(JSON.stringify(runs))
    else console.log(runs.length === 0 ? 'no runs' : runs.map(lineOf).join('\n'))
  })
  add('show', 'One run', async (call, options, id) => print(await call(`runs/${id}`), options))
  add('watch', 'Follow a run to its end', async (call, options, id) => {
    await watch(call, id, options)
  })
  add('journal', 'The signed, chained journal of a run, one entry a line', async (call, _options, id) => {
    process.stdout.write(await (await call(`runs/${id}/journal`)).text())
  })
  const texts = {
    pause: 'Let a run rest after the round that is under way',
    resume: 'Let a paused run go on',
    stop: 'End a run for good',
  }
  for (const [wish, text] of Object.entries(texts))
    add(wish, text, async (call, options, id) => print(await call(`runs/${id}/${wish}`, { method: 'POST' }), options))
  return command
}

type Summary = z.infer<typeof summarySchema>

async function print(response: Response, { json }: Options): Promise<void> {
  const run = summarySchema.parse(await response.json())
  console.log(json ? JSON.stringify(run) : lineOf(run))
}

function lineOf({ id, name, status, submitted, rounds, missing, reason }: Summary): string {
  const more = missing.length > 0 ? `  misses ${missing.join(', ')}` : reason === '' ? '' : `  ${reason}`
  return `${id}  ${status.padEnd(8)}  ${new Date(submitted).toISOString().slice(0, 16)}  ${rounds} rounds  ${name}${more}`
}
