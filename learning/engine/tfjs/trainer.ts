/** The TensorFlow.js trainer: every layer there is, on whatever backend a site has, at that library's speed. */

import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../protocol/errors.ts'
import type { Stream } from '../../../protocol/stream.ts'
import { type ModelDescription, runningShare } from '../../models/description.ts'
import { initialParameters } from '../../models/initial.ts'
import { type Layout, layOut } from '../../models/layout.ts'
import { followsBatches } from '../../models/placement.ts'
import { epochBatches } from '../batches.ts'
import { drops } from '../dropout.ts'
import { validationOf } from '../early-stopping.ts'
import { checkExamples, checkInputs, checkParameters, LossNotFiniteError } from '../examples.ts'
import { checkOptions } from '../options.ts'
import { rateAt } from '../schedule.ts'
import type { Examples, Trainer, TrainerFactory, TrainOptions, TrainResult } from '../trainer.ts'
import { openBackend, type TfjsBackend, type TfjsOptions, useBackend } from './backend.ts'
import { forward, link, meanLoss, type Weighting } from './forward.ts'
import { Optimiser } from './optimiser.ts'

/** Rows that go through the model at once when predicting. */
const predictionRows = 256

/** @throws InputError ERR_MODEL_SHAPE, ERR_BACKEND */
export function tfjsTrainer(options: TfjsOptions = {}): TrainerFactory {
  return async (model) => {
    const layout = layOut(model)
    const backend = await openBackend(candidates(model), options)
    return new TfjsTrainer(model, layout, backend)
  }
}

/** The WebAssembly backend lacks what the gradients of convolutions and of table look-ups need. */
const candidates = (model: ModelDescription): readonly TfjsBackend[] =>
  model.layers.some(({ type }) => type === 'conv2d' || type === 'embedding')
    ? ['native', 'webgl', 'cpu']
    : ['native', 'webgl', 'wasm', 'cpu']

class TfjsTrainer implements Trainer {
  readonly backend: string
  readonly parameterCount: number
  readonly #model: ModelDescription
  readonly #layout: Layout
  readonly #backend: TfjsBackend

  constructor(model: ModelDescription, layout: Layout, backend: TfjsBackend) {
    this.backend = `tfjs ${backend}`
    this.parameterCount = layout.parameters
    this.#model = model
    this.#layout = layout
    this.#backend = backend
  }

  initial(stream: Stream): Float32Array {
    return initialParameters(this.#model, stream)
  }

  async train(
    parameters: Float32Array,
    examples: Examples,
    options: TrainOptions,
    stream: Stream,
  ): Promise<TrainResult> {
    checkParameters(this.#layout, parameters)
    checkExamples(this.#layout, this.#model.loss, examples)
    checkOptions(this.#layout, this.#model.loss, options)
    if (options.privacy !== undefined) {
      throw new InputError('ERR_ENGINE', 'private steps need the compiled engine; this model runs on tfjs', 'privacy')
    }
    const validation = validationOf(this, this.#model.loss, options)
    await useBackend(this.#backend)
    const variables = this.#variables(parameters)
    const anchors = options.proximal ? variables.map((variable) => variable.clone()) : []
    const drifts = options.drift ? this.#variables(options.drift) : []
    const optimiser = new Optimiser(options.optimiser, variables)
    const { classWeights, focal = 0, learningRate, schedule, epochs, batchSize } = options
    const weighting = { classWeights: classWeights && tf.tensor1d([...classWeights]), focal }
    const allSteps = epochs * Math.ceil(examples.rows / batchSize)
    const seeds = drops(this.#model) ? stream.fork('dropout') : undefined
    let steps = 0
    let loss = 0
    try {
      for (let epoch = 0; epoch < epochs; epoch++) {
        const before = readFlat(variables, this.parameterCount)
        let total = 0
        for (const batch of epochBatches(examples.rows, batchSize, stream)) {
          const rate = rateAt(learningRate, schedule, steps, allSteps)
          const state = { variables, anchors, drifts, optimiser, weighting, seed: seeds?.uint32() }
          const batchLoss = this.#step(state, gather(examples, batch), { ...options, learningRate: rate })
          if (!Number.isFinite(batchLoss)) throw new LossNotFiniteError(steps, batchLoss, before)
          total += batchLoss * batch.length
          steps++
        }
        loss = total / examples.rows
        if (await validation?.ends(readFlat(variables, this.parameterCount))) break
        await useBackend(this.#backend)
      }
      const last = readFlat(variables, this.parameterCount)
      return { parameters: validation?.best(last) ?? last, loss, steps }
    } finally {
      tf.dispose([variables, anchors, drifts, weighting.classWeights ?? []])
      optimiser.dispose()
    }
  }

  async predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array> {
    checkParameters(this.#layout, parameters)
    checkInputs(this.#layout, x, rows)
    await useBackend(this.#backend)
    const { features, outputs } = this.#layout
    const predictions = new Float32Array(rows * outputs)
    const variables = this.#variables(parameters)
    try {
      for (let start = 0; start < rows; start += predictionRows) {
        const end = Math.min(start + predictionRows, rows)
        const part = x.subarray(start * features, end * features)
        const values = tf.tidy(() =>
          link(this.#model.loss, forward(this.#layout, variables, this.#batch(part), undefined)).dataSync(),
        )
        predictions.set(values, start * outputs)
      }
      return predictions
    } finally {
      tf.dispose(variables)
    }
  }

  /** Everything is disposed where it was made; a trainer holds no tensor between calls. */
  dispose(): void {}

  /** One gradient step on one batch; returns its mean loss before the step, without the penalties. */
  #step(
    { variables, anchors, drifts, optimiser, weighting, seed }: State,
    batch: Pick<Examples, 'x' | 'y'>,
    options: TrainOptions,
  ): number {
    return tf.tidy(() => {
      const x = this.#batch(batch.x)
      const y = tf.tensor1d(batch.y)
      const tensors = this.#layout.layers.flatMap((layer) => layer.tensors)
      const batches = new Map<number, tf.Tensor>()
      const training = { seed, follow: (index: number, batch: tf.Tensor) => void batches.set(index, tf.keep(batch)) }
      const { value, grads } = tf.variableGrads(
        () => meanLoss(this.#model.loss, forward(this.#layout, variables, x, training), y, weighting),
        variables.filter((_, i) => !followsBatches(tensors[i].role)),
      )
      for (const [index, batch] of batches) {
        variables[index].assign(variables[index].mul(runningShare).add(batch.mul(1 - runningShare)))
        batch.dispose()
      }
      const clipped = clip(
        variables.map((variable, i) =>
          followsBatches(tensors[i].role) ? tf.zerosLike(variable) : grads[variable.name],
        ),
        options.clipNorm,
      )
      const gradients = variables.map((variable, i) => {
        let gradient = clipped[i]
        if (options.weightDecay && tensors[i].role === 'kernel')
          gradient = gradient.add(variable.mul(options.weightDecay))
        if (options.proximal) gradient = gradient.add(variable.sub(anchors[i]).mul(options.proximal))
        if (options.drift) gradient = gradient.add(drifts[i])
        const still = followsBatches(tensors[i].role) || options.frozen?.includes(tensors[i].name)
        return still ? undefined : gradient
      })
      optimiser.apply(variables, gradients, options.learningRate)
      return value.dataSync()[0]
    })
  }

  #variables(parameters: Float32Array): tf.Variable[] {
    return this.#layout.layers
      .flatMap((layer) => layer.tensors)
      .map(({ offset, size, shape }) =>
        tf.tidy(() => tf.variable(tf.tensor(parameters.slice(offset, offset + size), [...shape]))),
      )
  }

  #batch(x: Float32Array): tf.Tensor {
    return tf.tensor(x, [x.length / this.#layout.features, ...this.#model.input])
  }
}

/** What a run holds from step to step. */
interface State {
  readonly variables: readonly tf.Variable[]
  readonly anchors: readonly tf.Tensor[]
  readonly drifts: readonly tf.Tensor[]
  readonly optimiser: Optimiser
  readonly weighting: Weighting
  /** Of the step's dropout. */
  readonly seed: number | undefined
}

function clip(gradients: readonly tf.Tensor[], bound: number | undefined): readonly tf.Tensor[] {
  if (bound === undefined) return gradients
  const norm = Math.sqrt(tf.addN(gradients.map((gradient) => gradient.square().sum())).dataSync()[0])
  return norm > bound ? gradients.map((gradient) => gradient.mul(bound / norm)) : gradients
}

function gather(
  { x, y, features, rows }: Examples,
  batch: Uint32Array,
): { readonly x: Float32Array; readonly y: Float32Array } {
  const targets = y.length / rows
  const batchX = new Float32Array(batch.length * features)
  const batchY = new Float32Array(batch.length * targets)
  for (const [i, row] of batch.entries()) {
    batchX.set(x.subarray(row * features, (row + 1) * features), i * features)
    batchY.set(y.subarray(row * targets, (row + 1) * targets), i * targets)
  }
  return { x: batchX, y: batchY }
}

function readFlat(variables: readonly tf.Variable[], count: number): Float32Array {
  const flat = new Float32Array(count)
  let offset = 0
  for (const variable of variables) {
    const values = variable.dataSync()
    flat.set(values, offset)
    offset += values.length
  }
  return flat
}
