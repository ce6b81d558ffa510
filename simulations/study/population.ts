/** From a study's data to its virtual sites: read or generate, set common rows aside, split, shift, and let the cheats poison theirs. */

import { join } from 'node:path'
import { openSource } from '../../client-node/data/index.ts'
import { splitOf } from '../../learning/algorithms/site-data.ts'
import { readCsv } from '../../learning/data/csv.ts'
import { noMapping } from '../../learning/data/mapping.ts'
import { joinTables, selectRows, sliceTable, type Table } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import { Stream } from '../../protocol/stream.ts'
import { attacks } from '../attacks/index.ts'
import { datasets } from '../datasets/index.ts'
import { choose } from '../menu.ts'
import { type NamedTable, type Population, populationOf } from '../runner/population.ts'
import { sample } from '../runner/schedule.ts'
import { shifts } from '../shifts/index.ts'
import { splits } from '../splits/index.ts'
import { type StudySettings, withoutKeys } from './settings.ts'

export interface Peopled {
  readonly population: Population
  /** Indices of the sites that cheat. */
  readonly cheats: readonly number[]
}

/** What the study's files or generators hold, site by site; a file for a split is one site. @throws InputError */
export async function readTables(
  plan: Plan,
  settings: StudySettings,
  data: string | undefined,
): Promise<readonly NamedTable[]> {
  const { sites, file, dataset, records } = settings
  if (data !== undefined && file !== undefined) {
    const { table } = await (await openSource(join(data, file))).table({ schema: plan.data })
    return [{ name: 'all', table }]
  }
  if (data !== undefined && sites !== undefined) {
    return Promise.all(
      sites.map(async ({ name, file, rows }) => {
        const { table } = await (await openSource(join(data, file))).table({ schema: plan.data })
        return { name, table: rows === undefined ? table : rowsOf(table, rows, name) }
      }),
    )
  }
  if (dataset === undefined) {
    const message = 'expected --data FOLDER for the files of simulation.sites or simulation.file, or simulation.dataset'
    throw new InputError('ERR_SIMULATION_DATA', message, 'simulation')
  }
  // A small site of a generator may well have met one class only.
  const mapping = { ...noMapping, oneClass: true }
  const files = datasets[dataset].generate({ seed: plan.seed, ...(records === undefined ? {} : { rows: records }) })
  return Promise.all(
    files.map(async ({ site, csv }) => {
      const { table } = await readCsv({ name: site, chunks: once(csv) }, { schema: plan.data, mapping })
      return { name: site, table }
    }),
  )
}

/** The sites of one seed. @throws InputError ERR_PLAN */
export function peopled(tables: readonly NamedTable[], plan: Plan, settings: StudySettings): Peopled {
  const { attack, population: wanted } = settings
  const { seed } = plan
  const { kept, common } = setAside(tables, commonRows(settings, tables), new Stream(`${seed}/common`))
  const sites = wanted === undefined ? kept : split(kept, wanted, seed)
  const shifted = sites.map(({ name, table }) => ({
    name,
    table: (wanted?.shifts ?? []).reduce(
      (shiftedTable, shift, i) =>
        choose(
          shifts,
          shift,
          `simulation.population.shifts.${i}`,
        )(shiftedTable, new Stream(`${seed}/shift/${i}/${name}`)),
      table,
    ),
  }))
  if (attack === undefined) return { population: populationOf(shifted, common), cheats: [] }
  const cheats = sample(sites.length, Math.round(attack.cheats * sites.length), new Stream(`${seed}/cheats`))
  const { poison } = choose(attacks, withoutKeys(attack, ['cheats']), 'simulation.attack')
  const poisoned = shifted.map(({ name, table }, i) =>
    poison && cheats.includes(i)
      ? {
          name,
          table: onTraining(table, plan, name, (training) => poison(training, new Stream(`${seed}/poison/${name}`))),
        }
      : { name, table },
  )
  return { population: populationOf(poisoned, common), cheats }
}

function split(
  tables: readonly NamedTable[],
  wanted: NonNullable<StudySettings['population']>,
  seed: number,
): readonly NamedTable[] {
  const [first, ...others] = tables.map(({ table }) => table)
  const whole = joinTables([first, ...others])
  const parts = choose(splits, wanted.split, 'simulation.population.split')(
    whole,
    wanted.sites ?? 0,
    new Stream(`${seed}/split`),
  )
  const digits = String(parts.length).length
  return parts.map(({ name, rows }, i) => ({
    name: name ?? `site-${String(i + 1).padStart(digits, '0')}`,
    table: selectRows(whole, rows),
  }))
}

/** Rows that belong to no site: those to judge by, or those that the coordinator has itself. */
function commonRows({ scores, defence }: StudySettings, tables: readonly NamedTable[]): number {
  const all = tables.reduce((sum, { table }) => sum + table.rows, 0)
  if (scores) return Math.max(1, Math.round(scores.validation * all))
  return defence?.name === 'fl-trust' ? Math.min(defence.root, Math.floor(all / 2)) : 0
}

function setAside(
  tables: readonly NamedTable[],
  count: number,
  stream: Stream,
): { readonly kept: readonly NamedTable[]; readonly common: Table | undefined } {
  if (count === 0) return { kept: tables, common: undefined }
  const all = tables.reduce((sum, { table }) => sum + table.rows, 0)
  const taken = new Set(sample(all, count, stream))
  let start = 0
  const parts = tables.map(({ name, table }) => {
    const from = start
    start += table.rows
    const rows = Uint32Array.from({ length: table.rows }, (_, i) => i)
    return {
      name,
      kept: selectRows(
        table,
        rows.filter((row) => !taken.has(from + row)),
      ),
      taken: selectRows(
        table,
        rows.filter((row) => taken.has(from + row)),
      ),
    }
  })
  const [first, ...others] = parts.map((part) => part.taken)
  return { kept: parts.map(({ name, kept }) => ({ name, table: kept })), common: joinTables([first, ...others]) }
}

/** The table with its training rows changed; what is held out to judge by stays clean. */
function onTraining(table: Table, plan: Plan, name: string, change: (training: Table) => Table): Table {
  const { training } = splitOf({ name, table }, plan)
  const changed = change(selectRows(table, training))
  // One row after the other: from the changed ones where a row trains, from the table where it is held out.
  const both = joinTables([changed, table])
  const place = new Map([...training].map((row, i) => [row, i]))
  return selectRows(
    both,
    Uint32Array.from({ length: table.rows }, (_, row) => place.get(row) ?? training.length + row),
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
