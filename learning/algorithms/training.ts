/**
 * Federated training, whatever the method: a round of statistics that fixes the preprocessing, the plan's training
 * rounds, and a last round that evaluates. A method says only what a site adds and what the sum does to the parameters.
 */

import type { Algorithm, Intervals, Lane, Lanes, Metrics, SumRequest } from '../../protocol/algorithm.ts'
import type { Plan } from '../../protocol/plan.ts'
import { Stream } from '../../protocol/stream.ts'
import { type PreprocessingOptions, restoreOutputs } from '../data/preprocess.ts'
import { maxRows } from '../data/statistics.ts'
import { initialParameters } from '../models/initial.ts'
import {
  addEvaluation,
  evaluationSums,
  intervalsOf,
  metricsOf,
  noEvaluation,
  type Report,
  readEvaluation,
} from './evaluation.ts'
import { writeModel } from './model-file.ts'
import type { Site } from './site.ts'
import { type SiteData, SiteDataCache } from './site-data.ts'
import { memoryOf, type RoundMemory, type SiteMemory, siteMemory } from './site-memory.ts'
import { finite, laneTotal, packLanes, unpackLanes } from './sums.ts'
import { type Basis, basisOf, contributeStatistics, type Task, taskOf } from './task.ts'
import { beginning, decodeState, encodeState, type TrainingState, type Underway } from './training-state.ts'

/** What all parties hold in common: the model's parameters, and what a method carries beside them. */
export interface Global {
  readonly parameters: Float32Array
  readonly slots: readonly Float32Array[]
}

/** Numbers a method carries from round to round, in the state and so in its hash; all equal at first. */
export interface Slot {
  readonly length: number
  readonly initial: number
}

/** One site's work in one training round. */
export interface LocalWork {
  readonly site: SiteData
  readonly global: Global
  /** The site's part of all training rows, 0 to 1. */
  readonly share: number
  /** The site's own reproducible choices. */
  readonly stream: Stream
  readonly memory: RoundMemory
  /** Training rounds before the sum that the work goes into. */
  readonly round: number
  /** Of them, those the site's starting point has not seen. */
  readonly staleness: number
}

/** What distinguishes one method from another; a method is one file with its paper at the head. */
export interface TrainingMethod {
  /** Lanes of a training round; no name begins with `evaluation.`. */
  readonly lanes: readonly Lane[]
  readonly slots: readonly Slot[]
  contribute(work: LocalWork): Promise<Lanes>
  /** The global step: deterministic, float64 inside. `round` counts the training rounds before it. */
  step(global: Global, sum: Lanes, round: number): Global & { readonly report: readonly number[] }
  /** What the numbers of `report` are called. */
  readonly reports: readonly string[]
  /** The parameters a site judges and uses, where they are not the global ones. */
  readonly personal?: (global: Global, memory: RoundMemory) => Float32Array
}

/** @throws InputError ERR_PLAN, ERR_MODEL_* where the plan's parts do not fit together. */
export const training = (
  plan: Plan,
  options: PreprocessingOptions,
  methodOf: (task: Task) => TrainingMethod,
): Algorithm<TrainingState, Site> => {
  const task = taskOf(plan, options)
  return new FederatedTraining(task, methodOf(task))
}

/** The plan's bits are for updates, of which a norm is promised; counts, weights and losses are few and keep 32. */
const withBits = (lane: Lane, bits: Plan['encoding']['bits']): Lane =>
  bits === 32 || lane.l2 === undefined ? lane : { ...lane, bits }

class FederatedTraining implements Algorithm<TrainingState, Site> {
  readonly #task: Task
  readonly #method: TrainingMethod
  readonly #sites: SiteDataCache
  readonly #lanes: readonly Lane[]
  /** Held-out sums as counts, for the last round, and as shares of all held-out rows, for the training rounds. */
  readonly #counts: readonly Lane[]
  readonly #shares: readonly Lane[]
  readonly #bases = new WeakMap<Float64Array, Basis>()
  /** Of sites that bring none. */
  readonly #memories = new WeakMap<Site, SiteMemory>()

  constructor(task: Task, method: TrainingMethod) {
    const { label, plan } = task
    const sums = evaluationSums(label, plan.evaluation.bins)
    this.#task = task
    this.#method = method
    this.#sites = new SiteDataCache(plan, task.model)
    this.#lanes = method.lanes.map((lane) => withBits(lane, plan.encoding.bits))
    this.#counts = sums.map(({ name, length, each, kind }) => ({ name, length, bound: each * maxRows, kind }))
    this.#shares = sums.map(({ name, length, each }) => ({ name, length, bound: each, kind: 'real' }))
  }

  init(): TrainingState {
    return beginning
  }

  request(state: TrainingState): SumRequest | undefined {
    const { plan, statisticsLanes } = this.#task
    if (state.kind === 'beginning') {
      return { purpose: 'statistics for the preprocessing', bits: 64, lanes: statisticsLanes }
    }
    const evaluates = this.#basis(state).heldOutRows > 0
    if (state.round < plan.rounds) {
      return this.#trainingRequest(state.round, evaluates)
    }
    if (state.evaluated || !evaluates) return undefined
    return { purpose: 'evaluation on held-out rows', bits: 64, lanes: this.#counts }
  }

  preview(): SumRequest {
    return this.#trainingRequest(0, this.#task.plan.evaluation.holdout > 0)
  }

  #trainingRequest(round: number, evaluates: boolean): SumRequest {
    const { rounds, seed } = this.#task.plan
    const lanes = evaluates ? [...this.#lanes, ...this.#shares] : this.#lanes
    return { purpose: `training round ${round + 1} of ${rounds}`, bits: 32, lanes, rotation: `${seed}/${round}` }
  }

  async contribute(state: TrainingState, request: SumRequest, site: Site, round: number): Promise<Lanes> {
    if (state.kind === 'beginning') return contributeStatistics(this.#task, site)
    const { plan } = this.#task
    const basis = this.#basis(state)
    const data = await this.#sites.get(site, basis.preprocessing)
    const memory = memoryOf(this.#memoryOf(site), round)
    const evaluation = asks(request, this.#counts) ? await this.#evaluate(data, state, memory) : {}
    if (state.round === plan.rounds) return evaluation
    // A site that joined after the first round is not in the total: its share ends at 1, and its evaluation's too.
    const share = Math.min(1, data.training.rows / basis.trainingRows)
    const stream = new Stream(`${plan.seed}/train/${site.name}/${round}`)
    const { staleness = 0 } = site
    const at = { round: state.round + staleness, staleness }
    const update = await this.#method.contribute({ site: data, global: state, share, stream, memory, ...at })
    const heldOutRows = Math.max(basis.heldOutRows, data.heldOut.rows)
    return { ...update, ...mapLanes(evaluation, (value) => value / heldOutRows) }
  }

  apply(state: TrainingState, request: SumRequest, sum: Lanes): TrainingState {
    if (state.kind === 'beginning') return this.#begin(sum)
    if (state.round === this.#task.plan.rounds) {
      return { ...state, evaluation: packLanes(this.#counts, sum), evaluated: true }
    }
    const { parameters, slots, report } = this.#method.step(state, sum, state.round)
    const evaluation = asks(request, this.#counts) ? this.#countsFromShares(state, sum) : undefined
    return {
      ...state,
      round: state.round + 1,
      parameters: finite('parameters', parameters),
      slots: slots.map((slot, i) => finite(`slot ${i}`, slot)),
      evaluation,
      report: finite('report', Float64Array.from(report)),
    }
  }

  encode(state: TrainingState): Uint8Array {
    return encodeState(state)
  }

  decode(bytes: Uint8Array): TrainingState {
    const { plan, statisticsLanes, parameters } = this.#task
    return decodeState(bytes, {
      rounds: plan.rounds,
      statistics: laneTotal(statisticsLanes),
      parameters,
      slots: this.#method.slots.map(({ length }) => length),
      evaluation: laneTotal(this.#counts),
      report: this.#method.reports.length,
    })
  }

  metrics(state: TrainingState): Metrics {
    if (state.kind === 'beginning') return {}
    const report = this.#report(state)
    const own = this.#method.reports.map((name, i): [string, number] => [name, state.report?.[i] ?? Number.NaN])
    return {
      round: state.round,
      trainingRows: this.#basis(state).trainingRows,
      ...(state.report ? Object.fromEntries(own) : {}),
      ...(report ? metricsOf(report) : {}),
    }
  }

  intervals(state: TrainingState): Intervals {
    const report = state.kind === 'beginning' ? undefined : this.#report(state)
    return report ? intervalsOf(report) : {}
  }

  result(state: TrainingState): unknown {
    if (state.kind === 'beginning') return undefined
    const { plan, model } = this.#task
    const metrics = state.evaluated ? this.#report(state) : undefined
    const { preprocessing, trainingRows } = this.#basis(state)
    return writeModel({ plan, model, preprocessing, parameters: state.parameters, trainingRows, metrics })
  }

  #begin(sum: Lanes): TrainingState {
    const { plan, model, statisticsLanes } = this.#task
    const parameters = initialParameters(model, new Stream(`${plan.seed}/initial`))
    const statistics = finite('statistics', packLanes(statisticsLanes, sum))
    const none = { evaluation: undefined, evaluated: false, report: undefined }
    const slots = this.#method.slots.map(({ length, initial }) => new Float32Array(length).fill(initial))
    return { kind: 'underway', round: 0, statistics, parameters, slots, ...none }
  }

  #memoryOf(site: Site): SiteMemory {
    const memory = site.memory ?? this.#memories.get(site) ?? siteMemory()
    this.#memories.set(site, memory)
    return memory
  }

  /** Found once for the same sums, so that every round of a run sees the same preprocessing object. */
  #basis(state: Underway): Basis {
    const known = this.#bases.get(state.statistics) ?? basisOf(this.#task, state.statistics)
    this.#bases.set(state.statistics, known)
    return known
  }

  async #evaluate(site: SiteData, state: Underway, memory: RoundMemory): Promise<Lanes> {
    const { label, plan } = this.#task
    const { preprocessing } = this.#basis(state)
    const { bins } = plan.evaluation
    const parameters = this.#method.personal?.(state, memory) ?? state.parameters
    const sums = noEvaluation(label, bins)
    for await (const { examples, labels } of site.heldOut.parts()) {
      const { x, rows } = examples
      if (rows === 0) continue
      const outputs = restoreOutputs(await site.trainer.predict(parameters, x, rows), preprocessing)
      addEvaluation(sums, label, bins, { outputs, labels })
    }
    return sums
  }

  /** Shares were rounded by the encoding; what was counted becomes whole again. */
  #countsFromShares(state: Underway, sum: Lanes): Float64Array {
    const { heldOutRows } = this.#basis(state)
    const kinds = new Map(this.#counts.map(({ name, kind }) => [name, kind]))
    const shares = Object.fromEntries(this.#counts.map(({ name }) => [name, sum[name]]))
    const counts = mapLanes(shares, (value, name) =>
      kinds.get(name) === 'integer' ? Math.round(value * heldOutRows) : value * heldOutRows,
    )
    return finite('evaluation', packLanes(this.#counts, counts))
  }

  #report(state: Underway): Report | undefined {
    return state.evaluation && readEvaluation(this.#task.label, unpackLanes(this.#counts, state.evaluation))
  }
}

const asks = (request: SumRequest, lanes: readonly Lane[]): boolean =>
  request.lanes.some(({ name }) => name === lanes[0].name)

const mapLanes = (lanes: Lanes, value: (value: number, name: string) => number): Record<string, Float64Array> =>
  Object.fromEntries(
    Object.entries(lanes).map(([name, values]) => [name, Float64Array.from(values, (each) => value(each, name))]),
  )
