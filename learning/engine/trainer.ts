/** The trainer port: what an algorithm needs of an engine. Tensors never leave it; whoever makes one disposes it. */

import type { Stream } from '../../protocol/stream.ts'
import type { ModelDescription } from '../models/description.ts'
import type { OptimiserName } from './optimisers.ts'

/** Rows of one site, ready for a model. Features are row-major; labels are 0/1, class indices or numbers. */
export interface Examples {
  readonly rows: number
  /** Numbers a row: the product of the model's input shape. */
  readonly features: number
  readonly x: Float32Array
  readonly y: Float32Array
}

export interface TrainOptions {
  readonly epochs: number
  readonly batchSize: number
  readonly optimiser: OptimiserName
  readonly learningRate: number
  /** L2 penalty on weights, not on biases: adds `weightDecay * w` to the gradient. */
  readonly weightDecay?: number
  /** FedProx (Li et al. 2020): adds `proximal * (w - w_global)` to the gradient. */
  readonly proximal?: number
}

export interface TrainResult {
  readonly parameters: Float32Array
  /** Mean loss over the examples of the last epoch. */
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
  train(parameters: Float32Array, examples: Examples, options: TrainOptions, stream: Stream): Promise<TrainResult>
  /** One row of outputs per row of `x`: probabilities for classifiers, values for regression. Length rows * outputs. */
  predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array>
  dispose(): void
}

/** Makes a trainer for a model; an engine's file exports one of these. */
export type TrainerFactory = (model: ModelDescription) => Promise<Trainer>
