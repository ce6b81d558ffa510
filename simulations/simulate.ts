/** A simulation: the plan over several seeds, each time beside every site alone and all data pooled. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { openSource } from '../client-node/data/index.ts'
import type { RunEvent } from '../coordinator/events.ts'
import { parseModel } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../learning/computation.ts'
import { readCsv } from '../learning/data/csv.ts'
import { sliceTable, type Table } from '../learning/data/table.ts'
import type { TrainerFactory } from '../learning/engine/trainer.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { check, type Plan, type PlanFile, parsePlanFile } from '../protocol/plan.ts'
import { datasets } from './datasets/index.ts'
import { federate } from './federation.ts'
import { type Outcome, outcomeOf } from './outcome.ts'

const siteSchema = z.strictObject({
  name: z.string().min(1),
  /** In the folder of data; its ending says of what kind it is. */
  file: z.string().min(1),
  /** The rows of the file that are this site's, from the first to before the second; all without it. */
  rows: z.tuple([z.int().min(0), z.int().min(1)]).optional(),
})

const simulationSchema = z.strictObject({
  /** A built-in data set, used where no folder of data is given. */
  dataset: z.enum(Object.keys(datasets)).optional(),
  sites: z.array(siteSchema).optional(),
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

/** Runs a plan without a model once: its result, a table of statistics. @throws InputError */
export async function measure(file: PlanFile, options: SimulationOptions): Promise<unknown> {
  const { plan } = file
  const sites = await openSites(plan, settingsOf(file), options)
  const { state } = await federate(plan, sites, (event) => options.report(event, plan.seed))
  return computationOf(plan, sites.length).algorithm.result(state)
}

/** The sites with their tables: the files of `data`, or the built-in data set. @throws InputError */
export async function openSites(
  plan: Plan,
  settings: StudySettings,
  { data, trainer }: Pick<SimulationOptions, 'data' | 'trainer'>,
): Promise<Site[]> {
  if (data !== undefined && settings.sites !== undefined) {
    const open = settings.sites.map(async ({ name, file, rows }) => {
      const { table } = await (await openSource(join(data, file))).table({ schema: plan.data })
      return { name, table: rows === undefined ? table : rowsOf(table, rows, name), trainer }
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

function rowsOf(table: Table, [start, end]: readonly [number, number], site: string): Table {
  if (start < end && end <= table.rows) return sliceTable(table, start, end)
  const message = `expected rows within 0 to ${table.rows}, found ${start} to ${end}`
  throw new InputError('ERR_SIMULATION_DATA', message, `simulation.sites, ${site}`)
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}
