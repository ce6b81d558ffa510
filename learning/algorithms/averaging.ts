/**
 * The core that the methods of averaging share: a site trains from the global parameters on its own rows, its update is
 * held to a norm, weighted by its rows and summed, and the parameters move by the average. A method is what it changes.
 */

import * as z from 'zod'
import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import { euclideanNorm } from '../../protocol/privacy/clip.ts'
import { preprocessingOptions } from '../data/preprocess.ts'
import { localTraining } from '../engine/options.ts'
import type { TrainOptions, TrainResult } from '../engine/trainer.ts'
import { layOut } from '../models/layout.ts'
import { type Compression, compressionOptions, sentCoordinates } from './compression.ts'
import type { Task } from './task.ts'
import type { Global, LocalWork, Slot, TrainingMethod } from './training.ts'

/** What every method lets a plan choose of the sum. */
export const summed = {
  /** The largest Euclidean norm of a site's update; a longer one is shortened. It fixes the encoding's scale. */
  clip: z.number().positive().max(1e6).default(20),
  compression: compressionOptions.optional(),
  preprocessing: preprocessingOptions.prefault({}),
}

/** What every method lets a plan choose of the training at a site. */
export const local = {
  /** E of McMahan et al. 2017: passes over a site's rows in a round. */
  localEpochs: z.int().min(1).max(1000).default(1),
  ...localTraining,
}

/** What the average is multiplied with before it moves the parameters. */
export const serverLearningRate = z.number().positive().max(1000).default(1)

export interface AveragingOptions extends Omit<TrainOptions, 'epochs'> {
  readonly localEpochs: number
  readonly clip: number
  readonly compression?: Compression | undefined
  readonly serverLearningRate?: number
}

/** Trains from `start` by the plan's options; `change` replaces some of them. */
export type LocalRun = (start: Float32Array, change?: Partial<TrainOptions>) => Promise<TrainResult>

/** How a site moved: `update` is its parameters less the global ones, in as many steps. */
export interface LocalResult {
  readonly update: Float64Array
  readonly steps: number
}

/** What a method changes; what it leaves out is FedAvg's. */
export interface Variant {
  readonly slots?: readonly Slot[]
  /** Lanes beside FedAvg's. */
  readonly lanes?: readonly Lane[]
  /** Names of the tensors that stay at the site. */
  readonly personal?: readonly string[]
  readonly train?: (work: LocalWork, start: Float32Array, run: LocalRun) => Promise<TrainResult>
  /** The site's numbers for the method's own lanes, before its weight. */
  readonly add?: (work: LocalWork, result: LocalResult) => Readonly<Record<string, Float64Array>>
  /** A factor on the site's weight. */
  readonly weigh?: (work: LocalWork) => number
  /** A factor on the site's update, after clipping; at most 1. */
  readonly scale?: (result: LocalResult) => number
  /** The global step from the sites' mean update; lanes of `sum` stand as summed. */
  readonly step?: (global: Global, mean: Float64Array, sum: Lanes) => Global
  readonly judged?: TrainingMethod['personal']
}

/** A loss beyond this is reported as this. */
const largestLoss = 1000

export function averaging(task: Task, options: AveragingOptions, variant: Variant = {}): TrainingMethod {
  const { clip, compression, serverLearningRate: rate = 1 } = options
  const travelling = coordinatesOf(task, variant.personal ?? [])
  const sent = sentCoordinates({ of: task.parameters, travelling }, compression, task.plan.seed)
  return {
    reports: ['trainingLoss', 'clipped'],
    slots: variant.slots ?? [],
    lanes: [
      // No coordinate of a vector is larger than its norm.
      { name: 'update', length: sent.count, bound: clip, kind: 'real', l2: clip },
      { name: 'weight', length: 1, bound: 1, kind: 'real' },
      { name: 'loss', length: 1, bound: largestLoss, kind: 'real' },
      { name: 'clipped', length: 1, bound: 1, kind: 'integer' },
      ...(variant.lanes ?? []),
    ],

    async contribute(work) {
      const { site, global, memory } = work
      const share = work.share * (variant.weigh?.(work) ?? 1)
      const start = withPersonal(global.parameters, travelling, memory.recall('personal'))
      const run: LocalRun = (from, change) =>
        site.trainer.train(from, site.training, { ...options, epochs: options.localEpochs, ...change }, work.stream)
      const trained = await (variant.train?.(work, start, run) ?? run(start))
      if (variant.personal !== undefined) memory.keep('personal', trained.parameters)
      const result = { update: difference(trained.parameters, global.parameters), steps: trained.steps }
      const own = variant.add?.(work, result) ?? {}
      const update = sent.take(result.update, work)
      const norm = euclideanNorm(update)
      const factor = share * (norm > clip ? clip / norm : 1) * (variant.scale?.(result) ?? 1)
      for (let i = 0; i < update.length; i++) update[i] *= factor
      if (norm > clip) for (let i = 0; i < update.length; i++) update[i] = within(update[i], clip)
      return {
        update,
        weight: Float64Array.of(share),
        loss: Float64Array.of(share * Math.min(largestLoss, trained.loss)),
        clipped: Float64Array.of(norm > clip ? 1 : 0),
        ...weighted(own, share),
      }
    },

    step(global, sum, round) {
      const weight = sum.weight[0]
      const factor = 1 / weight
      const next =
        variant.step === undefined
          ? { ...global, parameters: sent.move(global.parameters, sum.update, { factor, rate, round }) }
          : variant.step(global, sent.spread(sum.update, factor, { length: task.parameters, round }), sum)
      return { ...next, report: [sum.loss[0] / weight, sum.clipped[0]] }
    },

    personal:
      variant.judged ?? ((global, memory) => withPersonal(global.parameters, travelling, memory.recall('personal'))),
  }
}

/** The parameters moved by `rate` times a direction. */
export function moved(parameters: Float32Array, direction: Float64Array, rate: number): Float32Array {
  const next = new Float32Array(parameters.length)
  for (let i = 0; i < next.length; i++) next[i] = parameters[i] + rate * direction[i]
  return next
}

/** Rounding may carry a clipped coordinate past the bound by its last bit. */
export const within = (value: number, bound: number): number => Math.max(-bound, Math.min(bound, value))

/** `values` shortened to a norm. */
export function shortened(values: Float64Array, norm: number): Float64Array {
  const length = euclideanNorm(values)
  return length > norm ? values.map((value) => within(value * (norm / length), norm)) : values
}

function difference(a: Float32Array, b: Float32Array): Float64Array {
  const values = new Float64Array(a.length)
  for (let i = 0; i < values.length; i++) values[i] = a[i] - b[i]
  return values
}

const weighted = (lanes: Readonly<Record<string, Float64Array>>, share: number): Record<string, Float64Array> =>
  Object.fromEntries(Object.entries(lanes).map(([name, values]) => [name, values.map((value) => value * share)]))

/** Indices of the parameters that travel, in order; `undefined` where all do. */
function coordinatesOf({ model, parameters }: Task, personal: readonly string[]): Uint32Array | undefined {
  if (personal.length === 0) return undefined
  const stays = new Uint8Array(parameters)
  for (const { name, offset, size } of layOut(model).layers.flatMap((layer) => layer.tensors)) {
    if (personal.includes(name)) stays.fill(1, offset, offset + size)
  }
  return Uint32Array.from({ length: parameters }, (_, i) => i).filter((i) => stays[i] === 0)
}

/** The site's own numbers where they do not travel, the global ones elsewhere. */
function withPersonal(global: Float32Array, travelling: Uint32Array | undefined, own?: Float32Array): Float32Array {
  if (own === undefined || travelling === undefined) return global
  const parameters = own.slice()
  for (const i of travelling) parameters[i] = global[i]
  return parameters
}
