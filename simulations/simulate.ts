/** The plan with masks and all: deployed participants in one process, over several seeds, beside every site alone and all data pooled. */

import { readFile } from 'node:fs/promises'
import type { RunEvent } from '../coordinator/events.ts'
import { parseModel } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../learning/computation.ts'
import type { TrainerFactory } from '../learning/engine/trainer.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { type Plan, type PlanFile, parsePlanFile } from '../protocol/plan.ts'
import { federate } from './federation.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { readTables } from './study/population.ts'
import { type StudySettings, settingsOf } from './study/settings.ts'

/** Reads and checks a plan file. @throws InputError ERR_PLAN_FILE, ERR_PLAN_SYNTAX, ERR_PLAN. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_PLAN_FILE', error instanceof Error ? error.message : String(error), path)
  })
  return parsePlanFile(text, planMenus)
}

export interface SimulationOptions {
  readonly data: string | undefined
  readonly trainer: TrainerFactory
  readonly report: (event: RunEvent, seed: number) => void
}

/** Runs the plan once a seed. @throws InputError where the file, the data or the plan do not hold. */
export async function simulate(file: PlanFile, options: SimulationOptions): Promise<readonly Outcome[]> {
  const { plan } = file
  const settings = settingsOf(file.simulation)
  const sites = await openSites(plan, settings, options)
  const outcomes: Outcome[] = []
  for (const seed of settings.seeds ?? [plan.seed]) {
    const seeded = { ...plan, seed }
    const { state, stateHash, rounds } = await federate(seeded, sites, (event) => options.report(event, seed))
    const model = parseModel(computationOf(seeded, sites.length).algorithm.result(state))
    outcomes.push(await outcomeOf(seeded, { model, modelHash: toHex(stateHash), rounds, sites }))
  }
  return outcomes
}

/** Runs a plan without a model once: its result, a table of statistics. @throws InputError */
export async function measure(file: PlanFile, options: SimulationOptions): Promise<unknown> {
  const { plan } = file
  const sites = await openSites(plan, settingsOf(file.simulation), options)
  const { state } = await federate(plan, sites, (event) => options.report(event, plan.seed))
  return computationOf(plan, sites.length).algorithm.result(state)
}

/** The sites with their tables: the files of `data`, or the built-in data set. @throws InputError */
export async function openSites(
  plan: Plan,
  settings: StudySettings,
  { data, trainer }: Pick<SimulationOptions, 'data' | 'trainer'>,
): Promise<Site[]> {
  const tables = await readTables(plan, settings, data)
  return tables.map(({ name, table }) => ({ name, table, trainer }))
}
