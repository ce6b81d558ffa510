/** A trainer that outlives its graphics card: what a lost context computed is thrown away, and computed again on the next backend. */

import type { Stream } from '../../../protocol/stream.ts'
import type { Batches, Examples } from '../batches.ts'
import type { Trainer, TrainOptions, TrainResult } from '../trainer.ts'
import { drop, isLost, type TfjsBackend } from './backend.ts'

export interface OnBackend extends Trainer {
  readonly on: TfjsBackend
}

export class LastingTrainer implements Trainer {
  #trainer: OnBackend
  readonly #open: () => Promise<OnBackend>

  constructor(trainer: OnBackend, open: () => Promise<OnBackend>) {
    this.#trainer = trainer
    this.#open = open
  }

  get backend(): string {
    return this.#trainer.backend
  }

  get parameterCount(): number {
    return this.#trainer.parameterCount
  }

  initial(stream: Stream): Float32Array {
    return this.#trainer.initial(stream)
  }

  train(
    parameters: Float32Array,
    given: Examples | Batches,
    options: TrainOptions,
    stream: Stream,
  ): Promise<TrainResult> {
    // The same batches again: which machine computes must not show in the result beyond its last bits.
    const before = stream.copy()
    return this.#lasting((trainer, again) => trainer.train(parameters, given, options, again ? before.copy() : stream))
  }

  predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array> {
    return this.#lasting((trainer) => trainer.predict(parameters, x, rows))
  }

  dispose(): void {
    this.#trainer.dispose()
  }

  async #lasting<Result>(work: (trainer: OnBackend, again: boolean) => Promise<Result>): Promise<Result> {
    for (let again = false; ; again = true) {
      const { on } = this.#trainer
      try {
        const result = await work(this.#trainer, again)
        if (!isLost(on)) return result
      } catch (error) {
        if (!isLost(on)) throw error
      }
      drop(on)
      this.#trainer = await this.#open()
    }
  }
}
