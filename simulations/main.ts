/** `concordat simulate PLAN`: many sites on one machine, the deployed code, and what federating would bring. */

import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import type { RoundEvent } from '../coordinator/events.ts'
import { lineFor } from '../coordinator/terminal.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { toHex } from '../protocol/bytes.ts'
import { planHash } from '../protocol/plan.ts'
import { comparisonTable } from './comparison.ts'
import { summaryOf } from './outcome.ts'
import { report } from './report/report.ts'
import { measure, readPlanFile, type SimulationOptions, simulate } from './simulate.ts'

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Run a plan with all its sites in one process, beside each site alone and all data pooled')
    .argument('<plan>', 'plan file (YAML or JSON) with a section "simulation"')
    .option('--data <folder>', 'folder with the files of simulation.sites')
    .option('--report <file>', 'a page with curves and tables (HTML)')
    .addOption(new Option('--engine <engine>', 'what trains, whatever the plan says').choices(['compiled', 'tfjs']))
    .option('--json', 'the last line is one JSON object')
    .action(run)
}

interface Options {
  readonly data?: string
  readonly report?: string
  readonly json?: true
  readonly engine?: 'compiled' | 'tfjs'
}

async function run(path: string, options: Options): Promise<void> {
  const { data, json, engine } = options
  const file = await readPlanFile(path)
  const rounds: (RoundEvent & { readonly seed: number })[] = []
  const settings: SimulationOptions = {
    data,
    trainer: chooseTrainer({ ...(engine && { prefer: engine }), report: (line) => json !== true && console.log(line) }),
    report: (event, seed) => {
      if (event.type === 'round') rounds.push({ ...event, seed })
      const line = lineFor(event)
      if (line !== undefined && json !== true) console.log(`seed ${seed}  ${line}`)
    },
  }
  if (file.plan.model === undefined) {
    console.log(JSON.stringify(await measure(file, settings), null, json === true ? undefined : 2))
    return
  }
  const outcomes = await simulate(file, settings)
  if (options.report !== undefined) {
    const page = report({
      name: file.plan.name,
      description: file.plan.description,
      planHash: toHex(planHash(file.plan)),
      courses: outcomes.map((outcome) => ({ outcome, rounds: rounds.filter(({ seed }) => seed === outcome.seed) })),
      command: `npx concordat simulate ${path}${data === undefined ? '' : ` --data ${data}`}`,
    })
    await writeFile(options.report, page)
  }
  console.log(json === true ? JSON.stringify(summaryOf(outcomes)) : comparisonTable(outcomes))
}
