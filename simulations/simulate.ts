/** A simulation: the plan over several seeds, each time beside every site alone and all data pooled. */

import { join } from 'node:path'
import * as z from 'zod'
import { csvFile } from '../client-node/data/csv.ts'
import type { RunEvent } from '../coordinator/events.ts'
import { compare } from '../learning/algorithms/baselines.ts'
import { parseModel } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf } from '../learning/computation.ts'
import { readCsv } from '../learning/data/csv.ts'
import type { TrainerFactory } from '../learning/engine/trainer.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { check, type Plan, type PlanFile } from '../protocol/plan.ts'
import { datasets } from './datasets/index.ts'
import { federate } from './federation.ts'

const simulationSchema = z.strictObject({
  /** A built-in data set, used where no folder of data is given. */
  dataset: z.enum(Object.keys(datasets)).optional(),
  sites: z.array(z.strictObject({ name: z.string().min(1), file: z.string().min(1) })).optional(),
  seeds: z.array(z.int().min(0)).min(1).optional(),
})

export interface SimulationResult {
  readonly sites: readonly string[]
  readonly seeds: readonly number[]
  readonly rounds: number
  /** Of the first seed. */
  readonly modelHash: string
  /** Means over the seeds of the AUC on the rows all sites hold out. */
  readonly auc: { readonly alone: readonly number[]; readonly federated: number; readonly pooled: number }
  readonly accuracy: { readonly alone: readonly number[]; readonly federated: number; readonly pooled: number }
}

interface Figures {
  readonly auc: number
  readonly accuracy: number
}

interface Outcome {
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

/** @throws InputError where the file, the data or the plan do not hold. */
export async function simulate({ plan, simulation }: PlanFile, options: SimulationOptions): Promise<SimulationResult> {
  const settings = check(simulationSchema, simulation ?? {}, ['simulation'])
  const seeds = settings.seeds ?? [plan.seed]
  const sites = await openSites(plan, settings, options)
  const outcomes: Outcome[] = []
  for (const seed of seeds) {
    const seeded = { ...plan, seed }
    const { state, stateHash, rounds } = await federate(seeded, sites, (event) => options.report(event, seed))
    const model = parseModel(computationOf(seeded, sites.length).algorithm.result(state))
    const { alone, federated, pooled } = await compare(seeded, model, sites)
    outcomes.push({
      alone: alone.map(figures),
      federated: figures(federated),
      pooled: figures(pooled),
      rounds,
      modelHash: toHex(stateHash),
    })
  }
  const table = (metric: 'auc' | 'accuracy'): SimulationResult['auc'] => ({
    alone: sites.map((_, i) => mean(outcomes.map(({ alone }) => alone[i][metric]))),
    federated: mean(outcomes.map(({ federated }) => federated[metric])),
    pooled: mean(outcomes.map(({ pooled }) => pooled[metric])),
  })
  const [first] = outcomes
  return {
    sites: sites.map(({ name }) => name),
    seeds,
    rounds: first.rounds,
    modelHash: first.modelHash,
    auc: table('auc'),
    accuracy: table('accuracy'),
  }
}

async function openSites(
  plan: Plan,
  settings: z.infer<typeof simulationSchema>,
  { data, trainer }: SimulationOptions,
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

function figures(report: Awaited<ReturnType<typeof compare>>['federated']): {
  readonly auc: number
  readonly accuracy: number
} {
  if (report.type !== 'binary')
    throw new InputError(
      'ERR_SIMULATION_LABEL',
      'expected a plan with a binary label: the comparison is by AUC',
      'data.label',
    )
  return { auc: report.auc.value, accuracy: report.accuracy.value }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
