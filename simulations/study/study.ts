/** A study from its file to its results: read, changed, checked as a whole, and then run cell by cell and seed by seed. */

import { readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import type { RunEvent } from '../../coordinator/events.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import { usualSites } from '../../protocol/sampling.ts'
import { openPool, type Pool } from '../runner/pool.ts'
import type { NamedTable } from '../runner/population.ts'
import { type Cell, type Change, cellsOf, changed, type StudyFile } from './cells.ts'
import { checkMemory, parametersOfPlan } from './memory.ts'
import { peopled, readTables } from './population.ts'
import { type CellResult, cellKey, type ResultStore } from './results.ts'
import { runCell } from './run-cell.ts'
import { checkSizes, type StudySettings } from './settings.ts'

/** @throws InputError ERR_PLAN_FILE, ERR_PLAN_SYNTAX, ERR_PLAN */
export async function readStudy(path: string, changes: readonly Change[]): Promise<StudyFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_PLAN_FILE', error instanceof Error ? error.message : String(error), path)
  })
  let value: unknown
  try {
    value = parseYaml(text, { maxAliasCount: 20 })
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new InputError('ERR_PLAN_SYNTAX', `not YAML or JSON: ${error.message.split('\n')[0]}`, path)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError('ERR_PLAN', 'expected an object with the keys of a plan', path)
  }
  return changes.reduce(changed, Object.fromEntries(Object.entries(value)))
}

export interface StudyRun {
  /** Folder of the study's files. */
  readonly data: string | undefined
  /** Threads; chosen by the work there is without it. */
  readonly workers: number | undefined
  /** Forces an engine. */
  readonly engine?: 'compiled' | 'tfjs' | undefined
  readonly results: ResultStore
  readonly tell: (progress: Progress) => void
}

export type Progress =
  | { readonly type: 'event'; readonly cell: string; readonly seed: number; readonly event: RunEvent }
  | {
      readonly type: 'cell'
      readonly result: CellResult
      /** Whether it was found on disk. */
      readonly known: boolean
      readonly done: number
      readonly all: number
      /** Real seconds that the rest will take, by what the cells so far took. */
      readonly left: number | undefined
    }

interface Job {
  readonly cell: Cell
  readonly tables: readonly NamedTable[]
}

/** In the order of the cells, then of the seeds. @throws InputError before anything runs where any cell does not hold. */
export async function runStudy(file: StudyFile, run: StudyRun): Promise<readonly CellResult[]> {
  const cells = cellsOf(file)
  const jobs: Job[] = []
  const read = new Map<string, Promise<readonly NamedTable[]>>()
  for (const cell of cells) {
    for (const seed of cell.settings.seeds ?? [cell.plan.seed]) {
      const seeded = { ...cell, plan: { ...cell.plan, seed } }
      const key = JSON.stringify([dataPart(cell.settings), cell.plan.data, cell.plan.seed])
      const tables = read.get(key) ?? readTables(cell.plan, cell.settings, run.data)
      read.set(key, tables)
      jobs.push({ cell: seeded, tables: await tables })
    }
  }
  const workers = run.workers ?? (jobs.some((job) => isMuch(job)) ? availableParallelism() : 0)
  // Every cell's sites are made once before the first round, so that what does not fit is refused before time was spent.
  for (const { cell, tables } of firstOfEach(jobs)) {
    const { population } = peopled(tables, cell.plan, cell.settings)
    checkSizes(cell.plan, cell.settings, population.sites.length)
    checkMemory(cell, { plan: cell.plan, population }, Math.max(1, workers))
  }
  const pool = openPool(workers)
  try {
    return await runJobs(jobs, pool, run)
  } finally {
    await pool.close()
  }
}

async function runJobs(jobs: readonly Job[], pool: Pool, run: StudyRun): Promise<readonly CellResult[]> {
  const results: CellResult[] = []
  const spent: number[] = []
  for (const [i, { cell, tables }] of jobs.entries()) {
    const key = cellKey(cell, await stampOf(cell.settings, run.data))
    const known = await run.results.load(key)
    const result =
      known ??
      (await runCell(cell, peopled(tables, cell.plan, cell.settings), {
        pool,
        engine: run.engine,
        report: told(cell, run),
      }))
    if (known === undefined) {
      spent.push(result.wall)
      await run.results.save(key, result)
    }
    results.push(result)
    const left =
      spent.length === 0 ? undefined : (jobs.length - i - 1) * (spent.reduce((a, b) => a + b, 0) / spent.length)
    run.tell({ type: 'cell', result, known: known !== undefined, done: i + 1, all: jobs.length, left })
  }
  return results
}

const told =
  ({ label, plan: { seed } }: Cell, { tell }: StudyRun) =>
  (event: RunEvent): void =>
    tell({ type: 'event', cell: label, seed, event })

function firstOfEach(jobs: readonly Job[]): readonly Job[] {
  const seen = new Set<string>()
  return jobs.filter(({ cell }) => !seen.has(cell.label) && seen.add(cell.label))
}

/** A thread takes a fifth of a second to start: only worth it where there is more to do than that. */
function isMuch({ cell: { plan, settings }, tables }: Job): boolean {
  if (plan.model === undefined) return false
  const rows = tables.reduce((sum, { table }) => sum + table.rows, 0)
  const epochs = Number(plan.algorithm.localEpochs ?? 1)
  const sites = settings.population?.sites
  const sampled = plan.sampling === undefined || sites === undefined ? 1 : usualSites(plan.sampling, sites) / sites
  return 6 * rows * epochs * plan.rounds * sampled * parametersOfPlan(plan) > 1e10
}

const dataPart = ({ dataset, records, sites, file }: StudySettings): unknown => ({ dataset, records, sites, file })

/** What the files looked like; generated data follow from the settings. */
async function stampOf({ sites, file }: StudySettings, data: string | undefined): Promise<string> {
  if (data === undefined) return ''
  const names = [...(sites ?? []).map((site) => site.file), ...(file === undefined ? [] : [file])]
  const stamps = await Promise.all(
    [...new Set(names)].map(async (name) => {
      const found = await stat(join(data, name)).catch(() => undefined)
      return `${name}:${found?.size}:${found?.mtimeMs}`
    }),
  )
  return stamps.join(',')
}

/** The name and the description of a study, from its first cell. */
export const titleOf = (file: StudyFile): Pick<Plan, 'name' | 'description'> => {
  const [{ plan }] = cellsOf(file)
  return { name: plan.name, description: plan.description }
}
