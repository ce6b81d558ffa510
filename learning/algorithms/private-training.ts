/**
 * Federated training under noise: nothing leaves but the method's lanes. Features are scaled by the plan's public ranges
 * instead of statistics, means are over the plan's public population, and held-out rows are not evaluated in the run.
 */

import type { Algorithm, Lane, Lanes, Metrics, SumRequest } from '../../protocol/algorithm.ts'
import { Reader, Writer } from '../../protocol/bytes.ts'
import { InputError, ProtocolError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Discipline } from '../../protocol/privacy/mechanism.ts'
import type { Random } from '../../protocol/random.ts'
import { Stream } from '../../protocol/stream.ts'
import { type Preprocessing, type PreprocessingOptions, publicPreprocessing } from '../data/preprocess.ts'
import { initialParameters } from '../models/initial.ts'
import { type People, peopleOf } from '../privacy/people.ts'
import { writeModel } from './model-file.ts'
import type { Site } from './site.ts'
import { SiteDataCache, type TableData } from './site-data.ts'
import { finite, readFloat32s, writeFloat32s } from './sums.ts'
import { type Task, taskOf } from './task.ts'

/** What distinguishes one method from another. */
export interface PrivateMethod {
  /** Lanes of a round, each with what the plan's unit can move. */
  lanes(parameterCount: number): readonly Lane[]
  /** Noisy steps that a site takes for a round, where the noise is the site's own. */
  readonly noisySteps?: number
  contribute(site: PrivateSite, parameters: Float32Array, stream: Stream): Promise<Lanes>
  /** The global step: deterministic, float64 inside. */
  step(parameters: Float32Array, sum: Lanes, survivors: number): Float32Array
}

export interface PrivateSite extends TableData {
  readonly people: People
  /** Draws who takes part, and noise: secret. */
  readonly random: Random
}

interface PrivateState {
  /** Training rounds done. */
  readonly round: number
  readonly parameters: Float32Array
}

/** @throws InputError ERR_PLAN, ERR_MODEL_* where the plan's parts do not fit together. */
export const privateTraining = (
  plan: Plan,
  options: PreprocessingOptions,
  discipline: Discipline,
  method: PrivateMethod,
): Algorithm<PrivateState, Site> => new PrivateTraining(taskOf(plan, options), discipline, method)

const layoutVersion = 1

/** @throws InputError ERR_PLAN where patients are to be hidden and nothing says whose row is whose. */
export function checkPatients({ data }: Plan, { unit }: Discipline): void {
  if (unit !== 'patient' || data.patient !== undefined) return
  throw new InputError('ERR_PLAN', 'expected the column that says whose row each is', 'data.patient')
}

/** @throws InputError ERR_PLAN where people are to be hidden and the model takes each row by the light of the others. */
function checkRowsApart({ model }: Task, { unit }: Discipline): void {
  const mixing = model.layers.findIndex(({ type }) => type === 'batchNorm')
  if (unit === 'site' || mixing < 0) return
  throw new InputError(
    'ERR_PLAN',
    'expected no batch norm, which mixes people; private steps need group norm or layer norm',
    'model',
  )
}

class PrivateTraining implements Algorithm<PrivateState, Site> {
  readonly #task: Task
  readonly #discipline: Discipline
  readonly #method: PrivateMethod
  readonly #preprocessing: Preprocessing
  readonly #sites: SiteDataCache
  readonly #lanes: readonly Lane[]

  constructor(task: Task, discipline: Discipline, method: PrivateMethod) {
    const { plan, model, parameters, preprocessing } = task
    checkPatients(plan, discipline)
    checkRowsApart(task, discipline)
    this.#task = task
    this.#discipline = discipline
    this.#method = method
    this.#preprocessing = publicPreprocessing(plan.data, preprocessing)
    this.#sites = new SiteDataCache(plan, model)
    const { bits } = plan.encoding
    this.#lanes = method.lanes(parameters).map((lane) => (bits === 32 ? lane : { ...lane, bits }))
  }

  init(): PrivateState {
    const { plan, model } = this.#task
    return { round: 0, parameters: initialParameters(model, new Stream(`${plan.seed}/initial`)) }
  }

  request({ round }: PrivateState): SumRequest | undefined {
    const { rounds, seed } = this.#task.plan
    if (round === rounds) return undefined
    const { rate } = this.#discipline
    const { noisySteps } = this.#method
    return {
      purpose: `training round ${round + 1} of ${rounds}`,
      ...{ bits: 32, lanes: this.#lanes, rate, rotation: `${seed}/${round}` },
      ...(noisySteps === undefined ? {} : { noisySteps }),
    }
  }

  async contribute(state: PrivateState, _request: SumRequest, site: Site, round: number): Promise<Lanes> {
    const { random } = site
    if (random === undefined) throw new Error('a plan with noise needs a site with a generator of its own')
    const data = await this.#sites.table(site, this.#preprocessing)
    const stream = new Stream(`${this.#task.plan.seed}/train/${site.name}/${round}`)
    const people = peopleOf(data.trainingTable, this.#discipline.unit)
    return this.#method.contribute({ ...data, people, random }, state.parameters, stream)
  }

  apply({ round, parameters }: PrivateState, _request: SumRequest, sum: Lanes, survivors: number): PrivateState {
    return { round: round + 1, parameters: finite('parameters', this.#method.step(parameters, sum, survivors)) }
  }

  encode({ round, parameters }: PrivateState): Uint8Array {
    return writeFloat32s(new Writer().uint8(layoutVersion).uint32(round), parameters).finish()
  }

  decode(bytes: Uint8Array): PrivateState {
    const reader = new Reader(bytes)
    const version = reader.uint8('state version')
    if (version !== layoutVersion) throw new ProtocolError('ERR_STATE', `unknown version ${version} of a state`)
    const round = reader.uint32('round', { max: this.#task.plan.rounds })
    const parameters = readFloat32s(reader, 'parameters', this.#task.parameters)
    reader.end()
    if (parameters === undefined) throw new ProtocolError('ERR_STATE', 'expected parameters, found none')
    return { round, parameters }
  }

  metrics({ round }: PrivateState): Metrics {
    return { round }
  }

  result({ parameters }: PrivateState): unknown {
    const { plan, model } = this.#task
    const trainingRows = this.#discipline.population
    return writeModel({ plan, model, preprocessing: this.#preprocessing, parameters, trainingRows, metrics: undefined })
  }
}
