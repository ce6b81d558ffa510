/** A trainer for one dense layer in plain float64 loops: slow to type, quick to trust. The oracle of the algorithms' tests. */

import { epochBatches } from '../../learning/engine/batches.ts'
import { rules } from '../../learning/engine/optimisers.ts'
import type { Examples, Trainer, TrainerFactory, TrainOptions } from '../../learning/engine/trainer.ts'
import type { ModelDescription } from '../../learning/models/description.ts'
import { initialParameters, parameterCount } from '../../learning/models/initial.ts'
import type { Stream } from '../../protocol/stream.ts'

export const plainTrainer: TrainerFactory = async (model) => new PlainTrainer(model)

class PlainTrainer implements Trainer {
  readonly backend = 'plain'
  readonly parameterCount: number
  readonly #model: ModelDescription
  readonly #features: number
  readonly #outputs: number

  constructor(model: ModelDescription) {
    if (model.layers.length !== 1) throw new Error('the plain trainer knows one dense layer')
    this.#model = model
    this.#features = model.input[0]
    const [first] = model.layers
    if (!('units' in first)) throw new Error('the plain trainer knows dense layers only')
    this.#outputs = first.units
    this.parameterCount = parameterCount(model)
  }

  initial(stream: Stream): Float32Array {
    return initialParameters(this.#model, stream)
  }

  async train(start: Float32Array, { rows, x, y }: Examples, options: TrainOptions, stream: Stream) {
    const w = Float64Array.from(start)
    const first = new Float64Array(w.length)
    const second = new Float64Array(w.length)
    let steps = 0
    let loss = 0
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      loss = 0
      for (const batch of epochBatches(rows, options.batchSize, stream)) {
        const gradient = new Float64Array(w.length)
        for (const row of batch) loss += this.#addGradient(w, x, y, row, gradient) / rows
        steps++
        for (let i = 0; i < w.length; i++) {
          const decay = i < this.#features * this.#outputs ? (options.weightDecay ?? 0) * w[i] : 0
          const g =
            gradient[i] / batch.length + decay + (options.proximal ?? 0) * (w[i] - start[i]) + (options.drift?.[i] ?? 0)
          w[i] -= options.learningRate * this.#direction(g, i, { options, first, second, steps })
        }
      }
    }
    return { parameters: Float32Array.from(w), loss, steps }
  }

  async predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array> {
    const outputs = Array.from({ length: rows }, (_, row) => this.#outputsOf(Float64Array.from(parameters), x, row))
    return Float32Array.from(outputs.flat())
  }

  dispose(): void {}

  #direction(
    g: number,
    i: number,
    at: { options: TrainOptions; first: Float64Array; second: Float64Array; steps: number },
  ): number {
    const { options, first, second, steps } = at
    switch (options.optimiser) {
      case 'sgd':
        return g
      case 'momentum':
        first[i] = rules.momentum.decay * first[i] + g
        return first[i]
      case 'adam': {
        const { decay1, decay2, epsilon } = rules.adam
        first[i] = decay1 * first[i] + (1 - decay1) * g
        second[i] = decay2 * second[i] + (1 - decay2) * g * g
        return first[i] / (1 - decay1 ** steps) / (Math.sqrt(second[i] / (1 - decay2 ** steps)) + epsilon)
      }
    }
  }

  /** Adds one row's gradient; returns its loss. */
  #addGradient(w: Float64Array, x: Float32Array, y: Float32Array, row: number, gradient: Float64Array): number {
    const outputs = this.#outputsOf(w, x, row)
    const errors = outputs.map((output, k) => {
      if (this.#model.loss === 'cross-entropy') return output - (y[row] === k ? 1 : 0)
      return (output - y[row]) * (this.#model.loss === 'mean-squared-error' ? 2 : 1)
    })
    const kernel = this.#features * this.#outputs
    for (const [k, error] of errors.entries()) {
      for (let j = 0; j < this.#features; j++) gradient[j * this.#outputs + k] += error * x[row * this.#features + j]
      gradient[kernel + k] += error
    }
    if (this.#model.loss === 'mean-squared-error') return (outputs[0] - y[row]) ** 2
    if (this.#model.loss === 'cross-entropy') return -Math.log(outputs[y[row]])
    return -Math.log(y[row] === 1 ? outputs[0] : 1 - outputs[0])
  }

  #outputsOf(w: Float64Array, x: Float32Array, row: number): number[] {
    const sums = Array.from({ length: this.#outputs }, (_, k) => {
      let sum = w[this.#features * this.#outputs + k]
      for (let j = 0; j < this.#features; j++) sum += w[j * this.#outputs + k] * x[row * this.#features + j]
      return sum
    })
    if (this.#model.loss === 'mean-squared-error') return sums
    if (this.#model.loss === 'binary-cross-entropy') return sums.map((sum) => 1 / (1 + Math.exp(-sum)))
    const largest = Math.max(...sums)
    const powers = sums.map((sum) => Math.exp(sum - largest))
    const all = powers.reduce((sum, power) => sum + power, 0)
    return powers.map((power) => power / all)
  }
}
