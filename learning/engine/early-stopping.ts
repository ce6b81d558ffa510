/** Early stopping: training ends when the loss on the site's validation rows has not fallen for a while (Prechelt 1998). */

import { Stream } from '../../protocol/stream.ts'
import type { Loss } from '../models/description.ts'
import type { Examples, Trainer, TrainOptions } from './trainer.ts'

export interface EarlyStopping {
  /** Epochs without a new lowest loss after which training ends. */
  readonly patience: number
  /** Rows to judge by; without them a `share` of the training rows is set apart, the same ones at every call. */
  readonly validation?: Examples | undefined
  readonly share?: number | undefined
}

/** Examples in two: those that train, and those that early stopping judges by. */
export interface Parts {
  readonly training: Examples
  readonly validation: Examples | undefined
}

/** Sets the validation rows apart; at least one row is left to train on. */
export function setApart(examples: Examples, options: TrainOptions): Parts {
  const { earlyStopping } = options
  if (earlyStopping === undefined) return { training: examples, validation: undefined }
  const { validation, share = 0.1 } = earlyStopping
  if (validation !== undefined) return { training: examples, validation }
  const count = Math.min(Math.max(1, Math.round(examples.rows * share)), examples.rows - 1)
  if (count < 1) return { training: examples, validation: undefined }
  const order = new Stream('validation').permutation(examples.rows)
  return {
    training: pick(examples, order.slice(count).sort()),
    validation: pick(examples, order.slice(0, count).sort()),
  }
}

/** The chosen rows, in that order. */
export function pick({ rows, features, x, y }: Examples, chosen: Uint32Array): Examples {
  const targets = y.length / rows
  const picked = {
    rows: chosen.length,
    features,
    x: new Float32Array(chosen.length * features),
    y: new Float32Array(chosen.length * targets),
  }
  for (const [i, row] of chosen.entries()) {
    picked.x.set(x.subarray(row * features, (row + 1) * features), i * features)
    picked.y.set(y.subarray(row * targets, (row + 1) * targets), i * targets)
  }
  return picked
}

/** Remembers the parameters with the lowest loss; made once a run. */
export class Validation {
  #best: Float32Array | undefined
  #lowest = Number.POSITIVE_INFINITY
  #waited = 0
  readonly #patience: number
  readonly #loss: (parameters: Float32Array) => Promise<number>

  constructor(patience: number, loss: (parameters: Float32Array) => Promise<number>) {
    this.#patience = patience
    this.#loss = loss
  }

  /** Whether training should end, after an epoch that led to `parameters`. */
  async ends(parameters: Float32Array): Promise<boolean> {
    const loss = await this.#loss(parameters)
    this.#waited = loss < this.#lowest ? 0 : this.#waited + 1
    if (this.#waited > 0) return this.#waited >= this.#patience
    this.#lowest = loss
    this.#best = parameters
    return false
  }

  /** `last` where no epoch had a finite loss. */
  best(last: Float32Array): Float32Array {
    return this.#best ?? last
  }
}

/** Early stopping of a run on `trainer`, whose predictions are judged by the model's loss; `undefined` if none is asked for. */
export function validationOf(
  trainer: Trainer,
  loss: Loss,
  validation: Examples | undefined,
  { earlyStopping }: TrainOptions,
): Validation | undefined {
  if (earlyStopping === undefined || validation === undefined) return undefined
  const { patience } = earlyStopping
  return new Validation(patience, async (parameters) =>
    predictionLoss(loss, await trainer.predict(parameters, validation.x, validation.rows), validation.y),
  )
}

/** Mean loss of predictions: probabilities for classifiers, values for regression. */
function predictionLoss(loss: Loss, predictions: Float32Array, y: Float32Array): number {
  const floor = 1e-12
  let total = 0
  if (loss === 'mean-squared-error') {
    for (let i = 0; i < y.length; i++) total += (predictions[i] - y[i]) ** 2
  } else if (loss === 'binary-cross-entropy') {
    for (let i = 0; i < y.length; i++)
      total -= Math.log(Math.max(y[i] === 1 ? predictions[i] : 1 - predictions[i], floor))
  } else {
    const classes = predictions.length / y.length
    for (let i = 0; i < y.length; i++) total -= Math.log(Math.max(predictions[i * classes + y[i]], floor))
  }
  return total / y.length
}
