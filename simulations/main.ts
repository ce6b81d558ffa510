/** `concordat simulate PLAN`: many sites on one machine, the deployed code, and what federating would bring. */

import { Command } from 'commander'
import { lineFor } from '../coordinator/terminal.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { comparisonTable } from './comparison.ts'
import { readPlanFile, simulate, summaryOf } from './simulate.ts'

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Run a plan with all its sites in one process, beside each site alone and all data pooled')
    .argument('<plan>', 'plan file (YAML or JSON) with a section "simulation"')
    .option('--data <folder>', 'folder with the files of simulation.sites')
    .option('--json', 'the last line is one JSON object')
    .action(run)
}

async function run(path: string, { data, json }: { readonly data?: string; readonly json?: true }): Promise<void> {
  const outcomes = await simulate(await readPlanFile(path), {
    data,
    trainer: chooseTrainer(),
    report: (event, seed) => {
      const line = lineFor(event)
      if (line !== undefined && json !== true) console.log(`seed ${seed}  ${line}`)
    },
  })
  console.log(json === true ? JSON.stringify(summaryOf(outcomes)) : comparisonTable(outcomes))
}
