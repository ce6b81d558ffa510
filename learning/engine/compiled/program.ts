/** A model compiled for one batch size: every buffer placed, every kernel call bound, nothing left to decide at a step. */

import { unreachable } from '../../../protocol/errors.ts'
import type { Layer, Loss, ModelDescription } from '../../models/description.ts'
import type { Layout } from '../../models/layout.ts'
import { type OptimiserName, rules } from '../optimisers.ts'
import { convolution } from './convolution.ts'
import { dense } from './dense.ts'
import type { Build, Call, CompiledLayer, Target } from './layer.ts'
import type { Machine } from './machine.ts'
import { ParameterStore, type Slot } from './parameters.ts'
import { flatten, pooling } from './pooling.ts'
import { roundUp, type Values } from './values.ts'

export interface ProgramOptions {
  readonly capacity: number
  /** `undefined`: the program only predicts. */
  readonly optimiser: OptimiserName | undefined
  /** The gradient of each tensor is applied as it is made; only plain descent without a penalty on the distance. */
  readonly fused: boolean
}

export class Program {
  readonly store: ParameterStore
  readonly target: Target
  readonly input: number
  readonly labels: number
  readonly output: Values
  readonly fused: boolean
  readonly #machine: Machine
  readonly #loss: Loss
  readonly #layers: readonly CompiledLayer[]

  constructor(machine: Machine, model: ModelDescription, layout: Layout, options: ProgramOptions) {
    const { capacity, optimiser, fused } = options
    const training = optimiser !== undefined
    this.fused = fused
    this.#machine = machine
    this.#loss = model.loss
    this.store = new ParameterStore(machine, layout, {
      gradient: training && !fused,
      moments: optimiser === undefined ? 0 : rules[optimiser].moments,
    })
    this.target = { address: (slot) => (fused ? slot.values : slot.gradient), alpha: 1, keepKernel: 0, keepBias: 0 }
    this.input = machine.allocate(roundUp(capacity, 4) * layout.features)
    this.labels = machine.allocate(roundUp(capacity, 4) * layout.outputs)
    const build: Build = { machine, capacity, training, target: this.target }
    this.#layers = compileLayers(build, layout, this.store.slots, inputValues(model, layout, this.input))
    this.output = this.#layers[this.#layers.length - 1].output
  }

  forward(rows: number): Call[] {
    return this.#layers.flatMap((layer) => layer.forward(rows))
  }

  /** Writes the gradient of the batch's mean loss at the output; returns the sum of the rows' losses. */
  lossOf(rows: number): () => number {
    const { kernels } = this.#machine
    const { values, gradient, pitch, channels } = this.output
    if (gradient === undefined) throw new Error('a program for predictions has no loss')
    const labels = this.labels
    switch (this.#loss) {
      case 'binary-cross-entropy':
        return () => kernels.binaryCrossEntropy(values, gradient, 4 * pitch, rows, labels, 1 / rows)
      case 'cross-entropy':
        return () => kernels.crossEntropy(values, gradient, 4 * pitch, rows, channels, labels, 1 / rows)
      case 'mean-squared-error':
        return () => kernels.meanSquaredError(values, gradient, 4 * pitch, rows, channels, labels, 1 / rows)
      default:
        return unreachable(this.#loss)
    }
  }

  /** All gradients run down before any parameter moves: a fused step overwrites what the chain still reads. */
  backward(rows: number): Call[] {
    const downwards = [...this.#layers].reverse()
    return [
      ...downwards.flatMap((layer) => layer.backpropagate(rows)),
      ...downwards.flatMap((layer) => layer.gradients(rows)),
    ]
  }

  /** Logits become probabilities, in place. */
  link(rows: number): Call[] {
    const { kernels } = this.#machine
    const { values, pitch, channels } = this.output
    switch (this.#loss) {
      case 'binary-cross-entropy':
        return [() => kernels.sigmoidForward(values, rows * pitch)]
      case 'cross-entropy':
        return [() => kernels.softmax(values, 4 * pitch, rows, channels, values)]
      case 'mean-squared-error':
        return []
      default:
        return unreachable(this.#loss)
    }
  }
}

/** Layers the engine has kernels for; other models run on TensorFlow.js. */
export const compiles = (model: ModelDescription): boolean => model.layers.every((layer) => known.has(layer.type))

const known: ReadonlySet<string> = new Set<Layer['type']>(['dense', 'conv2d', 'maxPool2d', 'avgPool2d', 'flatten'])

/** The input stands as it came, without room between pixels. */
function inputValues({ input }: ModelDescription, layout: Layout, address: number): Values {
  const channels = input[input.length - 1]
  return {
    shape: input,
    pixels: layout.features / channels,
    channels,
    pitch: channels,
    values: address,
    gradient: undefined,
  }
}

function compileLayers(build: Build, layout: Layout, slots: readonly Slot[], input: Values): CompiledLayer[] {
  const layers: CompiledLayer[] = []
  let below = input
  let next = 0
  for (const { layer, tensors } of layout.layers) {
    const compiled = compileLayer(build, layer, below, slots.slice(next, next + tensors.length))
    next += tensors.length
    layers.push(compiled)
    below = compiled.output
  }
  return layers
}

function compileLayer(build: Build, layer: Layer, input: Values, slots: readonly Slot[]): CompiledLayer {
  switch (layer.type) {
    case 'dense':
      return dense(build, layer, input, slots)
    case 'conv2d':
      return convolution(build, layer, input, slots)
    case 'maxPool2d':
    case 'avgPool2d':
      return pooling(build, layer, input)
    case 'flatten':
      return flatten(build, input)
    default:
      return unreachable(layer)
  }
}
