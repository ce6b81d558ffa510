/** What training rounds need of a site, prepared once: its rows as examples, and a trainer that sites may share. */

import type { Plan } from '../../protocol/plan.ts'
import { type Preprocessing, prepare } from '../data/preprocess.ts'
import { type Split, splitPeople, splitRows } from '../data/split.ts'
import { selectRows, type Table } from '../data/table.ts'
import type { Examples, Trainer, TrainerFactory } from '../engine/trainer.ts'
import type { ModelDescription } from '../models/description.ts'
import type { Site } from './site.ts'

export interface SiteData {
  readonly name: string
  readonly trainer: Trainer
  readonly training: Examples
  /** The rows of `training`, as they are at the site. */
  readonly trainingTable: Table
  readonly heldOut: Examples
  /** Held-out labels as the table has them, unscaled. */
  readonly heldOutLabels: Float32Array
}

/** Which rows of a site train and which only evaluate. */
export function splitOf({ name, table }: Pick<Site, 'name' | 'table'>, plan: Plan): Split {
  const { seed, evaluation, privacy } = plan
  const byPeople = evaluation.split === 'people' || privacy.unit === 'record' || privacy.unit === 'patient'
  return byPeople
    ? splitPeople(table, evaluation.holdout, { seed, name })
    : splitRows(table.rows, evaluation.holdout, { seed, name })
}

/** A site's table in two: the rows that train, and those that only evaluate. */
export function splitTable(
  { name, table }: Pick<Site, 'name' | 'table'>,
  plan: Plan,
): { readonly training: Table; readonly heldOut: Table } {
  const { training, heldOut } = splitOf({ name, table }, plan)
  return { training: selectRows(table, training), heldOut: selectRows(table, heldOut) }
}

/** Keeps what was prepared for as long as the site lives, and prepares again only when the preprocessing changes. */
export class SiteDataCache {
  readonly #plan: Plan
  readonly #model: ModelDescription
  readonly #sites = new WeakMap<Site, { readonly key: string; readonly data: SiteData }>()
  readonly #trainers = new WeakMap<TrainerFactory, Promise<Trainer>>()

  constructor(plan: Plan, model: ModelDescription) {
    this.#plan = plan
    this.#model = model
  }

  async get(site: Site, preprocessing: Preprocessing): Promise<SiteData> {
    const key = JSON.stringify(preprocessing)
    const kept = this.#sites.get(site)
    if (kept?.key === key) return kept.data
    const { training, heldOut } = splitTable(site, this.#plan)
    const data = {
      name: site.name,
      trainer: await this.#trainer(site.trainer),
      training: prepare(training, preprocessing),
      trainingTable: training,
      heldOut: prepare(heldOut, preprocessing),
      heldOutLabels: heldOut.label ?? new Float32Array(0),
    }
    this.#sites.set(site, { key, data })
    return data
  }

  #trainer(factory: TrainerFactory): Promise<Trainer> {
    const kept = this.#trainers.get(factory) ?? factory(this.#model, this.#plan.engine)
    this.#trainers.set(factory, kept)
    return kept
  }
}
