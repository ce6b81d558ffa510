/** A pair of hands: does the work of sites, one after the other, as deployed sites do it but for the masks. */

import { judgeModel, trainTogether } from '../../learning/algorithms/baselines.ts'
import type { Report } from '../../learning/algorithms/evaluation.ts'
import type { Site } from '../../learning/algorithms/site.ts'
import { splitTable } from '../../learning/algorithms/site-data.ts'
import type { SiteMemory } from '../../learning/algorithms/site-memory.ts'
import { type Computation, computationOf } from '../../learning/computation.ts'
import { joinTables, sliceTable, type Table } from '../../learning/data/table.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import type { TrainerFactory } from '../../learning/engine/trainer.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import type { Random } from '../../protocol/random.ts'
import { Stream } from '../../protocol/stream.ts'
import { encode } from '../../protocol/vector/encoding.ts'
import { zeroVector } from '../../protocol/vector/packing.ts'
import { tableBytes } from './population.ts'
import type { BaselineTask, JudgeTask, Kept, RoundPart, RoundTask, Setting, SiteTask } from './tasks.ts'

/** Bytes of sites' rows, as they are and as they were prepared, that are kept for a later round. */
const cacheBytes = 256 * 2 ** 20

export class Hand {
  readonly #setting: Setting
  readonly #computation: Computation
  readonly #trainer: TrainerFactory
  readonly #sites = new Map<number, SeatedSite>()
  #held = 0

  constructor(setting: Setting, trainer = chooseTrainer(setting.engine && { prefer: setting.engine })) {
    this.#setting = setting
    this.#computation = computationOf(setting.plan, setting.population.sites.length, { simulated: true })
    this.#trainer = trainer
  }

  /** Takes sites from the round's list until none is left. */
  async round(task: RoundTask): Promise<RoundPart> {
    const { algorithm } = this.#computation
    const states = new Map<number, unknown>()
    const sums = new Map<number, RingVector>()
    const plain: RoundPart['plain'][number][] = []
    const kept: RoundPart['kept'][number][] = []
    for (let i = Atomics.add(task.next, 0, 1); i < task.sites.length; i = Atomics.add(task.next, 0, 1)) {
      const part = task.sites[i]
      const state = states.get(part.state) ?? algorithm.decode(task.states[part.state])
      states.set(part.state, state)
      const site = this.#seat(part)
      site.random = streamRandom(new Stream(`${this.#setting.plan.seed}/${site.name}/${task.round}/secret`))
      const lanes = await algorithm.contribute(state, task.request, site, task.round)
      kept.push(...site.memory.taken.map((each) => ({ site: part.site, kept: each })))
      if (part.group === undefined) plain.push({ site: part.site, lanes })
      else {
        const sum = sums.get(part.group) ?? zeroVector(task.request)
        sums.set(part.group, sum)
        addTo(sum, encodeAs(this.#setting, this.#computation, { task, site: site.name, lanes }))
      }
    }
    return { sums: [...sums].map(([group, sum]) => ({ group, sum })), plain, kept }
  }

  async baseline({ sites }: BaselineTask): Promise<Report> {
    const model = await trainTogether(
      this.#setting.plan,
      sites.map((site) => this.#site(site)),
    )
    return this.judge({ model })
  }

  async judge({ model }: JudgeTask): Promise<Report> {
    return judgeModel(model, this.#setting.plan, {
      name: 'all',
      table: heldOutRows(this.#setting),
      trainer: this.#trainer,
    })
  }

  #site(index: number): Site {
    const { sites, common, table } = this.#setting.population
    const place = index < sites.length ? sites[index] : common
    if (place === undefined) throw new Error(`no site ${index} among ${sites.length}`)
    return { name: place.name, table: sliceTable(table, ...place.rows), trainer: this.#trainer }
  }

  /** The site as it was seated before, so that what was prepared of its rows is found again; the longest unused go first. */
  #seat({ site: index, memory, staleness }: SiteTask): SeatedSite {
    const site = this.#sites.get(index) ?? new SeatedSite(this.#site(index))
    if (!this.#sites.delete(index)) this.#held += site.bytes
    this.#sites.set(index, site)
    site.memory = new TaskMemory(memory)
    site.staleness = staleness
    for (const [oldest, { bytes }] of this.#sites) {
      if (this.#held <= cacheBytes || oldest === index) break
      this.#sites.delete(oldest)
      this.#held -= bytes
    }
    return site
  }
}

/** The rows that all sites hold out, in one table. */
export function heldOutRows({ plan, population: { sites, table } }: Setting): Table {
  const [first, ...others] = sites.map(
    ({ name, rows }) => splitTable({ name, table: sliceTable(table, ...rows) }, plan).heldOut,
  )
  return joinTables([first, ...others])
}

/** A contribution on its way into a ring sum: encoded by the site's own coins, with its share of the noise. */
export function encodeAs(
  { plan, population }: Setting,
  { noiseShare }: Computation,
  {
    task,
    site,
    lanes,
  }: {
    readonly task: Pick<RoundTask, 'round' | 'request'>
    readonly site: string
    readonly lanes: RoundPart['plain'][number]['lanes']
  },
): RingVector {
  const own = `${plan.seed}/${site}/${task.round}`
  const vector = encode(lanes, task.request, { sites: population.sites.length, coins: new Stream(`${own}/rounding`) })
  noiseShare(vector, task.request, streamRandom(new Stream(`${own}/noise`)))
  return vector
}

/** Modulo the ring, which the arrays' own types are. */
export function addTo(sum: RingVector, vector: RingVector): void {
  if (sum instanceof Int32Array && vector instanceof Int32Array) {
    for (let i = 0; i < sum.length; i++) sum[i] += vector[i]
  } else if (sum instanceof BigInt64Array && vector instanceof BigInt64Array) {
    for (let i = 0; i < sum.length; i++) sum[i] += vector[i]
  } else throw new Error('two vectors of different rings')
}

/** Reproducible bytes where a deployed site draws secret ones: a simulation hides nothing from who runs it. */
export const streamRandom = (stream: Stream): Random => ({
  bytes: (length) => Uint8Array.from({ length }, () => stream.uint32() >>> 24),
})

class SeatedSite implements Site {
  readonly name: string
  readonly table: Table
  readonly trainer: TrainerFactory
  readonly bytes: number
  memory = new TaskMemory([])
  staleness = 0
  /** Reproducible here, secret at a deployed site. */
  random: Random | undefined

  constructor({ name, table, trainer }: Site) {
    this.name = name
    this.table = table
    this.trainer = trainer
    // Prepared rows are single precision, a byte of a picture becomes four.
    const pixels = (table.images ?? []).reduce((sum, image) => sum + image.pixels.length, 0)
    this.bytes = tableBytes(table) + 4 * pixels
  }
}

/** What the conductor handed along, and what the site keeps now. */
class TaskMemory implements SiteMemory {
  readonly taken: Kept[] = []
  readonly #given: readonly Kept[]

  constructor(given: readonly Kept[]) {
    this.#given = given
  }

  recall(name: string, round: number): Float32Array | undefined {
    return this.#given.filter((each) => each.name === name && each.round < round).at(-1)?.values
  }

  keep(name: string, round: number, values: Float32Array): void {
    const copy = new Float32Array(new SharedArrayBuffer(values.byteLength))
    copy.set(values)
    this.taken.push({ name, round, values: copy })
  }
}
