/**
 * The sum of one clipped gradient a person: of all rows of that person together, so that many rows weigh no more than
 * one. Each is put on a grid before it is added, so the sum is exact and one person moves it by no more than the norm.
 */

import type { Stream } from '../../protocol/stream.ts'
import type { Examples, Trainer, TrainOptions } from '../engine/trainer.ts'
import type { People } from './people.ts'

/** Bits of the grid below the clipping norm: sums of 2^20 people stay exact in 53 bits. */
const gridBits = 32

export interface GradientTask {
  readonly trainer: Trainer
  readonly parameters: Float32Array
  readonly examples: Examples
  readonly clip: number
  /** Weights and shape of the loss. */
  readonly loss: Pick<TrainOptions, 'classWeights' | 'focal'>
}

export async function clippedGradientSum(task: GradientTask, people: People, stream: Stream): Promise<Float64Array> {
  const { parameters, clip } = task
  const sum = new Float64Array(parameters.length)
  const grid = 2 ** (Math.ceil(Math.log2(clip)) - gridBits)
  for (const rows of people) {
    const gradient = await gradientOf(task, rows, stream)
    // Rounding to the grid lengthens a vector by less than this margin, up to 2^20 parameters.
    const factor = Math.min(1, (clip * (1 - 2 ** -20)) / norm(gradient)) / grid
    for (let i = 0; i < sum.length; i++) sum[i] += Math.round(gradient[i] * factor) * grid
  }
  return sum
}

/** Of the mean loss of some rows: what a step of rate 1 takes away. */
async function gradientOf(
  { trainer, parameters, examples, loss }: GradientTask,
  rows: Uint32Array,
  stream: Stream,
): Promise<Float64Array> {
  const options = { ...loss, epochs: 1, batchSize: rows.length, optimiser: 'sgd', learningRate: 1 } as const
  const trained = await trainer.train(parameters, selectExamples(examples, rows), options, stream)
  return Float64Array.from(parameters, (value, i) => value - trained.parameters[i])
}

function selectExamples({ features, x, y }: Examples, rows: Uint32Array): Examples {
  const chosen = new Float32Array(rows.length * features)
  for (const [i, row] of rows.entries()) chosen.set(x.subarray(row * features, (row + 1) * features), i * features)
  return { rows: rows.length, features, x: chosen, y: Float32Array.from(rows, (row) => y[row]) }
}

function norm(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  return Math.sqrt(sum)
}
