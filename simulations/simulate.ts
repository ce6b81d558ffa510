/** A simulation: the plan over several seeds, each time beside every site alone and all data pooled. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { csvFile } from '../client-node/data/csv.ts'
import type { RunEvent } from '../coordinator/events.ts'
import { compare } from '../learning/algorithms/baselines.ts'
import type { Report } from '../learning/algorithms/evaluation.ts'
import { type ModelFile, parseModel } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../learning/computation.ts'
import { readCsv } from '../learning/data/csv.ts'
import type { TrainerFactory } from '../learning/engine/trainer.ts'
import type { Estimate } from '../learning/metrics/interval.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { check, type Plan, type PlanFile, parsePlanFile } from '../protocol/plan.ts'
import { mean } from './comparison.ts'
import { datasets } from './datasets/index.ts'
import { federate } from './federation.ts'

const simulationSchema = z.strictObject({
  /** A built-in data set, used where no folder of data is given. */
  dataset: z.enum(Object.keys(datasets)).optional(),
  sites: z.array(z.strictObject({ name: z.string().min(1), file: z.string().min(1) })).optional(),
  seeds: z.array(z.int().min(0)).min(1).optional(),
})

export type StudySettings = z.infer<typeof simulationSchema>

/** @throws InputError ERR_PLAN where the section "simulation" of a plan file does not hold. */
export const settingsOf = ({ simulation }: PlanFile): StudySettings =>
  check(simulationSchema, simulation ?? {}, ['simulation'])

/** Reads and checks a plan file. @throws InputError ERR_PLAN_FILE, ERR_PLAN_SYNTAX, ERR_PLAN. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_PLAN_FILE', error instanceof Error ? error.message : String(error), path)
  })
  return parsePlanFile(text, planMenus)
}

export interface Figures {
  readonly auc: Estimate
  readonly accuracy: Estimate
}

/** What one seed led to: every model judged on the rows that all sites hold out. */
export interface Outcome {
  readonly seed: number
  readonly sites: readonly string[]
  readonly alone: readonly Figures[]
  readonly federated: Figures
  readonly pooled: Figures
  readonly rounds: number
  readonly modelHash: string
}

export interface SimulationOptions {
  readonly data: string | undefined
  readonly trainer: TrainerFactory
  readonly report: (event: RunEvent, seed: number) => void
}

/** Runs the plan once a seed. @throws InputError where the file, the data or the plan do not hold. */
export async function simulate(file: PlanFile, options: SimulationOptions): Promise<readonly Outcome[]> {
  const { plan } = file
  const settings = settingsOf(file)
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

interface Trained {
  readonly model: ModelFile
  readonly modelHash: string
  readonly rounds: number
  readonly sites: readonly Site[]
}

/** Holds a federated model against each site alone and all rows pooled. */
export async function outcomeOf(plan: Plan, { model, modelHash, rounds, sites }: Trained): Promise<Outcome> {
  const { alone, federated, pooled } = await compare(plan, model, sites)
  return {
    seed: plan.seed,
    sites: sites.map(({ name }) => name),
    alone: alone.map(figures),
    federated: figures(federated),
    pooled: figures(pooled),
    rounds,
    modelHash,
  }
}

/** What `--json` prints last. */
export interface Summary {
  readonly sites: readonly string[]
  readonly seeds: readonly number[]
  readonly rounds: number
  /** Of the first seed. */
  readonly modelHash: string
  /** Means over the seeds, on the rows all sites hold out. */
  readonly auc: { readonly alone: readonly number[]; readonly federated: number; readonly pooled: number }
  readonly accuracy: Summary['auc']
}

export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const [{ sites, rounds, modelHash }] = outcomes
  const means = (metric: keyof Figures): Summary['auc'] => ({
    alone: sites.map((_, i) => mean(outcomes.map(({ alone }) => alone[i][metric].value))),
    federated: mean(outcomes.map(({ federated }) => federated[metric].value)),
    pooled: mean(outcomes.map(({ pooled }) => pooled[metric].value)),
  })
  const seeds = outcomes.map(({ seed }) => seed)
  return { sites, seeds, rounds, modelHash, auc: means('auc'), accuracy: means('accuracy') }
}

/** The sites with their tables: the files of `data`, or the built-in data set. @throws InputError */
export async function openSites(
  plan: Plan,
  settings: StudySettings,
  { data, trainer }: Pick<SimulationOptions, 'data' | 'trainer'>,
): Promise<Site[]> {
  if (data !== undefined && settings.sites !== undefined) {
    const open = settings.sites.map(async ({ name, file }) => {
      const { table } = await csvFile(join(data, file)).table({ schema: plan.data })
      return { name, table, trainer }
    })
    return Promise.all(open)
  }
  if (settings.dataset === undefined) {
    throw new InputError(
      'ERR_SIMULATION_DATA',
      'expected --data FOLDER for the files of simulation.sites, or simulation.dataset',
      'simulation',
    )
  }
  const files = datasets[settings.dataset].generate({ seed: plan.seed })
  return Promise.all(
    files.map(async ({ site, csv }) => {
      const { table } = await readCsv({ name: site, chunks: once(csv) }, { schema: plan.data })
      return { name: site, table, trainer }
    }),
  )
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

function figures(report: Report): Figures {
  if (report.type !== 'binary')
    throw new InputError(
      'ERR_SIMULATION_LABEL',
      'expected a plan with a binary label: the comparison is by AUC',
      'data.label',
    )
  return { auc: report.auc, accuracy: report.accuracy }
}
