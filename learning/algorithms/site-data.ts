/** What training rounds need of a site, prepared once: its rows as examples, and a trainer that sites may share. */

import type { Plan } from '../../protocol/plan.ts'
import { featureNames, type Preprocessing, prepare } from '../data/preprocess.ts'
import { type Split, splitPeople, splitRows } from '../data/split.ts'
import { type Blocks, prepareBlocks } from '../data/streamed.ts'
import { selectRows, type Table } from '../data/table.ts'
import { streamed } from '../engine/batches.ts'
import type { Batches, Examples, Trainer, TrainerFactory } from '../engine/trainer.ts'
import type { ModelDescription } from '../models/description.ts'
import type { Site } from './site.ts'

/** What of a site does not depend on its records. */
interface Running {
  readonly name: string
  readonly trainer: Trainer
}

export interface SiteData extends Running {
  /** In batches that are read anew where the site's records come in blocks. */
  readonly training: Examples | Batches
  readonly heldOut: HeldOut
}

/** The same of a site whose records are in memory. */
export interface TableData extends SiteData {
  readonly training: Examples
  /** The rows of `training`, as they are at the site. */
  readonly trainingTable: Table
}

export interface HeldOut {
  readonly rows: number
  parts(): AsyncIterable<HeldOutPart>
}

export interface HeldOutPart {
  readonly examples: Examples
  /** As the table has them, unscaled. */
  readonly labels: Float32Array
}

/** A table in two: the rows that train, and those that only evaluate. */
interface SplitTable {
  readonly training: Table
  readonly heldOut: Table
}

/** Prepared numbers that wait in memory to be shuffled, where records come in blocks: 16 MiB of them. */
const numbersInBuffer = 2 ** 22

const splitsPeople = ({ evaluation, privacy }: Plan): boolean =>
  evaluation.split === 'people' || privacy.unit === 'record' || privacy.unit === 'patient'

/** Which rows of a site train and which only evaluate. */
export function splitOf({ name, table }: Pick<Site, 'name' | 'table'>, plan: Plan): Split {
  const { seed, evaluation } = plan
  return splitsPeople(plan)
    ? splitPeople(table, evaluation.holdout, { seed, name })
    : splitRows(table.rows, evaluation.holdout, { seed, name })
}

/** A site's table in two. */
export const splitTable = (site: Pick<Site, 'name' | 'table'>, plan: Plan): SplitTable =>
  selectSplit(site.table, splitOf(site, plan))

const selectSplit = (table: Table, { training, heldOut }: Split): SplitTable => ({
  training: selectRows(table, training),
  heldOut: selectRows(table, heldOut),
})

/** A site's records, however they come. */
export async function* partsOf(site: Site): AsyncGenerator<Table> {
  if (site.blocks === undefined) yield site.table
  else yield* site.blocks.read()
}

/** A site's records, however they come, each part in two: together the split of the whole table. */
export async function* splitParts(site: Site, plan: Plan): AsyncGenerator<SplitTable> {
  const { name, blocks } = site
  if (blocks === undefined) {
    yield splitTable(site, plan)
    return
  }
  // People are held out one by one, whoever else is there; rows by their places in the whole.
  const isHeldOut = splitsPeople(plan) ? undefined : heldOutRows({ name, blocks }, plan)
  let first = 0
  for await (const table of blocks.read()) {
    const split = isHeldOut ? splitAt(table.rows, isHeldOut, first) : splitOf({ name, table }, plan)
    yield selectSplit(table, split)
    first += table.rows
  }
}

/** Drawn once for the passes of a run, which has blocks of its own. */
const drawn = new WeakMap<Blocks, { readonly plan: Plan; readonly held: Uint8Array }>()

/** 1 for every row that is held out. */
function heldOutRows({ name, blocks }: { readonly name: string; readonly blocks: Blocks }, plan: Plan): Uint8Array {
  const known = drawn.get(blocks)
  if (known?.plan === plan) return known.held
  const held = new Uint8Array(blocks.rows)
  for (const row of splitRows(blocks.rows, plan.evaluation.holdout, { seed: plan.seed, name }).heldOut) held[row] = 1
  drawn.set(blocks, { plan, held })
  return held
}

function splitAt(rows: number, isHeldOut: Uint8Array, first: number): Split {
  const indices = Uint32Array.from({ length: rows }, (_, row) => row)
  return {
    training: indices.filter((row) => isHeldOut[first + row] === 0),
    heldOut: indices.filter((row) => isHeldOut[first + row] === 1),
  }
}

function prepareTable(site: Site, plan: Plan, preprocessing: Preprocessing): Omit<TableData, keyof Running> {
  const { training, heldOut } = splitTable(site, plan)
  const part = heldOutPart(heldOut, preprocessing)
  return {
    training: prepare(training, preprocessing),
    trainingTable: training,
    heldOut: {
      rows: heldOut.rows,
      async *parts() {
        yield part
      },
    },
  }
}

/** One pass counts; whatever is needed later is read again when it is. */
async function streamBlocks(
  site: Site,
  plan: Plan,
  preprocessing: Preprocessing,
): Promise<Omit<SiteData, keyof Running>> {
  const rows = { training: 0, heldOut: 0 }
  for await (const { training, heldOut } of splitParts(site, plan)) {
    rows.training += training.rows
    rows.heldOut += heldOut.rows
  }
  async function* trainingTables() {
    for await (const { training } of splitParts(site, plan)) yield training
  }
  const features = featureNames(preprocessing).length
  return {
    training: streamed({
      ...{ rows: rows.training, features },
      blocks: () => prepareBlocks(trainingTables(), preprocessing),
      buffer: Math.max(1, Math.min(rows.training, Math.floor(numbersInBuffer / features))),
    }),
    heldOut: {
      rows: rows.heldOut,
      async *parts() {
        for await (const { heldOut } of splitParts(site, plan)) yield heldOutPart(heldOut, preprocessing)
      },
    },
  }
}

const heldOutPart = (table: Table, preprocessing: Preprocessing): HeldOutPart => ({
  examples: prepare(table, preprocessing),
  labels: table.label ?? new Float32Array(0),
})

type Kept<Data> = WeakMap<Site, { readonly key: string; readonly data: Data }>

/** Keeps what was prepared for as long as the site lives, and prepares again only when the preprocessing changes. */
export class SiteDataCache {
  readonly #plan: Plan
  readonly #model: ModelDescription
  readonly #tables: Kept<TableData> = new WeakMap()
  readonly #streams: Kept<SiteData> = new WeakMap()
  readonly #trainers = new WeakMap<TrainerFactory, Promise<Trainer>>()

  constructor(plan: Plan, model: ModelDescription) {
    this.#plan = plan
    this.#model = model
  }

  async get(site: Site, preprocessing: Preprocessing): Promise<SiteData> {
    if (site.blocks === undefined) return this.table(site, preprocessing)
    return this.#keep(this.#streams, site, preprocessing, streamBlocks)
  }

  /** @throws InputError ERR_DATA_STREAMED where the records come in blocks. */
  async table(site: Site, preprocessing: Preprocessing): Promise<TableData> {
    return this.#keep(this.#tables, site, preprocessing, prepareTable)
  }

  async #keep<Prepared>(
    kept: Kept<Prepared & Running>,
    site: Site,
    preprocessing: Preprocessing,
    prepared: (site: Site, plan: Plan, preprocessing: Preprocessing) => Prepared | Promise<Prepared>,
  ): Promise<Prepared & Running> {
    const key = JSON.stringify(preprocessing)
    const found = kept.get(site)
    if (found?.key === key) return found.data
    const own = await prepared(site, this.#plan, preprocessing)
    const data = { ...own, name: site.name, trainer: await this.#trainer(site.trainer) }
    kept.set(site, { key, data })
    return data
  }

  #trainer(factory: TrainerFactory): Promise<Trainer> {
    const kept = this.#trainers.get(factory) ?? factory(this.#model, this.#plan.engine)
    this.#trainers.set(factory, kept)
    return kept
  }
}
