/** Early stopping: training ends when the loss on the site's validation rows has not fallen for a while (Prechelt 1998). */

import type { Loss } from '../models/description.ts'
import type { Examples, Trainer, TrainOptions } from './trainer.ts'

export interface EarlyStopping {
  readonly validation: Examples
  /** Epochs without a new lowest loss after which training ends. */
  readonly patience: number
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
export function validationOf(trainer: Trainer, loss: Loss, { earlyStopping }: TrainOptions): Validation | undefined {
  if (earlyStopping === undefined) return undefined
  const { validation, patience } = earlyStopping
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
