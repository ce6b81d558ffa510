/** The trainer port: what an algorithm needs of an engine. Tensors never leave it; whoever makes one disposes it. */

import type { Random } from '../../protocol/random.ts'
import type { Stream } from '../../protocol/stream.ts'
import type { ModelDescription } from '../models/description.ts'
import type { Augmentation } from './augmentation.ts'
import type { Batches, Examples } from './batches.ts'
import type { EarlyStopping } from './early-stopping.ts'
import type { OptimiserName } from './optimisers.ts'
import type { Schedule } from './schedule.ts'

export type { Batches, Examples }

export interface TrainOptions {
  readonly epochs: number
  readonly batchSize: number
  readonly optimiser: OptimiserName
  readonly learningRate: number
  /** L2 penalty on weights, not on biases: adds `weightDecay * w` to the gradient. */
  readonly weightDecay?: number
  /** FedProx (Li et al. 2020): adds `proximal * (w - w_global)` to the gradient. */
  readonly proximal?: number
  /** Added to the gradient of every step, one number a parameter (the drift of SCAFFOLD and FedDyn); clipping leaves it out. */
  readonly drift?: Float32Array | undefined
  /** Names of tensors (as the layout gives them) that stay as they are. */
  readonly frozen?: readonly string[] | undefined
  /** How the learning rate changes from step to step; constant without it. */
  readonly schedule?: Schedule | undefined
  /** The batch's gradient is scaled down to this Euclidean norm where it is longer; before weight decay and proximal term. */
  readonly clipNorm?: number | undefined
  /** Factor on the loss of each class (two for a binary label), against imbalance. */
  readonly classWeights?: readonly number[] | undefined
  /** Focal loss (Lin et al. 2017): the loss of an example whose class has probability p is multiplied by (1 - p)^focal. */
  readonly focal?: number | undefined
  readonly earlyStopping?: EarlyStopping | undefined
  /** Images are moved and mirrored by chance before each step. */
  readonly augmentation?: Augmentation | undefined
  /** Differentially private steps; `batchSize` then only says how many rows are worked on at once. */
  readonly privacy?: PrivateSteps | undefined
}

/**
 * DP-SGD (Abadi et al. 2016, algorithm 1): at each step every row takes part with probability `batchRate`, its gradient is
 * clipped to `clippingNorm`, normal noise of deviation `noiseMultiplier * clippingNorm` is added to the sum, and the sum
 * is divided by the expected number of rows. An epoch has ceil(1 / batchRate) steps, whatever the rows.
 */
export interface PrivateSteps {
  readonly clippingNorm: number
  readonly noiseMultiplier: number
  readonly batchRate: number
  /** The rows by which sums are divided, where their true number is not public. */
  readonly expectedRows?: number
  /** Chooses the rows and draws the noise: secret, so never the public stream. */
  readonly random: Random
}

export interface TrainResult {
  readonly parameters: Float32Array
  /**
   * Mean loss over the rows of the last epoch, each taken before its step, without penalties. After private steps it is
   * not itself private, and 0 if no row was chosen.
   */
  readonly loss: number
  readonly steps: number
}

export interface Trainer {
  /** The engine and what it runs on, for the terminal: `tfjs wasm`, `compiled simd128`. */
  readonly backend: string
  readonly parameterCount: number
  /** Fresh parameters, flat, in the description's layer order: kernels before biases. */
  initial(stream: Stream): Float32Array
  /** Trains from `parameters` (left untouched). Batches follow `stream`, so the same stream gives the same result. */
  train(
    parameters: Float32Array,
    examples: Examples | Batches,
    options: TrainOptions,
    stream: Stream,
  ): Promise<TrainResult>
  /** One row of outputs per row of `x`: probabilities for classifiers, values for regression. Length rows * outputs. */
  predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array>
  dispose(): void
}

/** What a plan asks of the engines of all sites. */
export interface EngineWishes {
  /** `auto` takes the fastest that has every layer. */
  readonly use?: 'auto' | 'compiled' | 'tfjs'
  /** Without relaxed SIMD the compiled engine gives the same bits on every machine. */
  readonly relaxed?: boolean
}

/** Makes a trainer for a model; an engine's file exports one of these. */
export type TrainerFactory = (model: ModelDescription, wishes?: EngineWishes) => Promise<Trainer>
