/** `concordat simulate PLAN`: many sites on one machine, the deployed code, and what federating would bring. */

import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { lineFor } from '../coordinator/terminal.ts'
import { planMenus } from '../learning/computation.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { InputError } from '../protocol/errors.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import { type SimulationResult, simulate } from './simulate.ts'

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Run a plan with all its sites in one process, beside each site alone and all data pooled')
    .argument('<plan>', 'plan file (YAML or JSON) with a section "simulation"')
    .option('--data <folder>', 'folder with the files of simulation.sites')
    .option('--json', 'the last line is one JSON object')
    .action(run)
}

async function run(file: string, { data, json }: { readonly data?: string; readonly json?: true }): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_PLAN_FILE', error instanceof Error ? error.message : String(error), file)
  })
  const result = await simulate(parsePlanFile(text, planMenus), {
    data,
    trainer: chooseTrainer(),
    report: (event, seed) => {
      const line = lineFor(event)
      if (line !== undefined && json !== true) console.log(`seed ${seed}  ${line}`)
    },
  })
  console.log(json === true ? JSON.stringify(result) : tableOf(result))
}

function tableOf({ sites, auc, accuracy, seeds, modelHash }: SimulationResult): string {
  const row = (name: string, a: number, b: number): string => `  ${name.padEnd(28)} ${a.toFixed(4)}   ${b.toFixed(4)}`
  return [
    `held-out rows of all sites, mean of ${seeds.length} seed${seeds.length === 1 ? '' : 's'}`,
    `  ${''.padEnd(28)} AUC      accuracy`,
    ...sites.map((site, i) => row(`${site} alone`, auc.alone[i], accuracy.alone[i])),
    row('federated', auc.federated, accuracy.federated),
    row('pooled', auc.pooled, accuracy.pooled),
    `model ${modelHash}`,
  ].join('\n')
}
