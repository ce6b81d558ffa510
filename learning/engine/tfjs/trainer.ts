/** The TensorFlow.js trainer: every layer there is, on whatever backend a site has, at that library's speed. */

import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../protocol/errors.ts'
import type { Stream } from '../../../protocol/stream.ts'
import { type ModelDescription, runningShare } from '../../models/description.ts'
import { initialParameters } from '../../models/initial.ts'
import { type Layout, layOut } from '../../models/layout.ts'
import { followsBatches } from '../../models/placement.ts'
import { augment } from '../augmentation.ts'
import { type Batches, type Examples, epochBatches } from '../batches.ts'
import { chancesOf } from '../chances.ts'
import { pick, validationOf } from '../early-stopping.ts'
import { causeOf, checkExamples, checkInputs, checkParameters, isStreamed, LossNotFiniteError } from '../examples.ts'
import { checkRun } from '../options.ts'
import { rateAt } from '../schedule.ts'
import type { Trainer, TrainerFactory, TrainOptions, TrainResult } from '../trainer.ts'
import { openBackend, type TfjsBackend, type TfjsOptions, useBackend } from './backend.ts'
import { forward, link, meanLoss, type Weighting } from './forward.ts'
import { LastingTrainer } from './lasting.ts'
import { Optimiser } from './optimiser.ts'

/** Rows that go through the model at once when predicting. */
const predictionRows = 256

/** @throws InputError ERR_MODEL_SHAPE, ERR_BACKEND */
export function tfjsTrainer(options: TfjsOptions = {}): TrainerFactory {
  return async (model) => {
    const layout = layOut(model)
    const open = async (): Promise<TfjsTrainer> =>
      new TfjsTrainer(model, layout, await openBackend(candidates(model), options))
    return new LastingTrainer(await open(), open)
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

  get on(): TfjsBackend {
    return this.#backend
  }

  initial(stream: Stream): Float32Array {
    return initialParameters(this.#model, stream)
  }

  async train(
    parameters: Float32Array,
    given: Examples | Batches,
    options: TrainOptions,
    stream: Stream,
  ): Promise<TrainResult> {
    const parts = checkRun(this.#layout, this.#model.loss, parameters, given, options)
    const { examples } = parts
    if (options.privacy !== undefined) {
      throw new InputError('ERR_ENGINE', 'private steps need the compiled engine; this model runs on tfjs', 'privacy')
    }
    const validation = validationOf(this, this.#model.loss, parts.validation, options)
    await useBackend(this.#backend)
    const variables = this.#variables(parameters)
    const anchors = options.proximal ? variables.map((variable) => variable.clone()) : []
    const drifts = options.drift ? this.#variables(options.drift) : []
    const optimiser = new Optimiser(options.optimiser, variables)
    const { classWeights, focal = 0, learningRate, schedule, epochs, batchSize } = options
    const weighting = { classWeights: classWeights && tf.tensor1d([...classWeights]), focal }
    const allSteps = epochs * Math.ceil(examples.rows / batchSize)
    const chances = chancesOf(this.#model, options, stream)
    let steps = 0
    let loss = 0
    try {
      for (let epoch = 0; epoch < epochs; epoch++) {
        const before = readFlat(variables, this.parameterCount)
        let total = 0
        let seen = 0
        for await (const batch of this.#batches(examples, batchSize, stream)) {
          const rate = rateAt(learningRate, schedule, steps, allSteps)
          const state = { variables, anchors, drifts, optimiser, weighting, seed: chances.dropout?.uint32() }
          const { augmentation } = options
          if (augmentation && chances.augmentation)
            augment(batch.x, this.#model.input, augmentation, chances.augmentation)
          const batchLoss = this.#step(state, batch, { ...options, learningRate: rate })
          if (!Number.isFinite(batchLoss)) {
            const now = readFlat(variables, this.parameterCount)
            const cause = causeOf(this.#layout, isStreamed(given) ? undefined : given, now)
            throw new LossNotFiniteError(steps, batchLoss, before, cause)
          }
          total += batchLoss * batch.rows
          seen += batch.rows
          steps++
        }
        loss = total / seen
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

  async *#batches(examples: Examples | Batches, batchSize: number, stream: Stream): AsyncGenerator<Examples> {
    if (!isStreamed(examples)) {
      for (const batch of epochBatches(examples.rows, batchSize, stream)) yield pick(examples, batch)
      return
    }
    for await (const batch of examples.epoch(batchSize, stream)) {
      checkExamples(this.#layout, this.#model.loss, batch)
      yield batch
      // Others may have used the library meanwhile.
      await useBackend(this.#backend)
    }
  }

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
