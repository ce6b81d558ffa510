/** A model compiled for one batch size: every buffer placed, every kernel call bound, nothing left to decide at a step. */

import { unreachable } from '../../../protocol/errors.ts'
import type { DropoutLayer, Layer, Loss, ModelDescription, SequenceLayer } from '../../models/description.ts'
import type { Layout } from '../../models/layout.ts'
import { type OptimiserName, rules } from '../optimisers.ts'
import { batchNorm } from './batch-norm.ts'
import { convolution } from './convolution.ts'
import { dense } from './dense.ts'
import { dropout } from './dropout.ts'
import { embedding } from './embedding.ts'
import type { Build, Call, CompiledLayer, Target } from './layer.ts'
import type { Machine } from './machine.ts'
import { norm } from './norm.ts'
import { ParameterStore, type Slot } from './parameters.ts'
import { flatten, pooling } from './pooling.ts'
import { roundUp, rowPitch, type Values } from './values.ts'

export interface ProgramOptions {
  readonly capacity: number
  /** `undefined`: the program only predicts. */
  readonly optimiser: OptimiserName | undefined
  /** The gradient of each tensor is applied as it is made; only plain descent without a penalty on the distance. */
  readonly fused: boolean
  /** Whether rows' gradients are clipped one by one. */
  readonly perRow: boolean
}

/** Factors on the rows' losses: `weights` is the address of one number a class. */
export interface Weighting {
  readonly weights: number
  readonly focal: number
}

export class Program {
  readonly store: ParameterStore
  readonly target: Target
  readonly chance = { seed: 0 }
  readonly input: number
  /** Of one example. */
  readonly shape: readonly number[]
  readonly labels: number
  readonly output: Values
  readonly fused: boolean
  readonly #machine: Machine
  readonly #loss: Loss
  readonly #layers: readonly CompiledLayer[]
  /** Address of each row's loss, in float64. */
  readonly #rowLosses: number

  constructor(machine: Machine, model: ModelDescription, layout: Layout, options: ProgramOptions) {
    const { capacity, optimiser, fused, perRow } = options
    const training = optimiser !== undefined
    this.fused = fused
    this.#machine = machine
    this.#loss = model.loss
    this.store = new ParameterStore(machine, layout, {
      gradient: training && !fused,
      moments: optimiser === undefined ? 0 : rules[optimiser].moments,
    })
    this.target = { address: (slot) => (fused ? slot.values : slot.gradient), alpha: 1, keepKernel: 0, keepBias: 0 }
    this.shape = model.input
    this.input = machine.allocate(roundUp(capacity, 4) * layout.features)
    this.labels = machine.allocate(roundUp(capacity, 4) * layout.outputs)
    this.#rowLosses = machine.allocate(training ? 2 * capacity : 0)
    const build: Build = { machine, capacity, training, perRow, target: this.target, chance: this.chance }
    this.#layers = compileLayers(build, layout, this.store.slots, inputValues(model, layout, this.input))
    this.output = this.#layers[this.#layers.length - 1].output
  }

  forward(rows: number): Call[] {
    return this.#layers.flatMap((layer) => layer.forward(rows))
  }

  /** Writes `scale` times the gradient of the batch's loss at the output; returns the sum of the rows' losses. */
  lossOf(rows: number, scale: number, weighting: Weighting | undefined): () => number {
    const { kernels } = this.#machine
    const { values, gradient, pitch, channels } = this.output
    if (gradient === undefined) throw new Error('a program for predictions has no loss')
    const [bytes, labels, each] = [4 * pitch, this.labels, this.#rowLosses]
    const weighted = (plain: () => number): (() => number) => {
      if (weighting === undefined) return plain
      const { weights, focal } = weighting
      return () => {
        plain()
        return kernels.reweigh(each, gradient, bytes, rows, labels, weights, focal)
      }
    }
    switch (this.#loss) {
      case 'binary-cross-entropy':
        return weighted(() => kernels.binaryCrossEntropy(values, gradient, bytes, rows, labels, scale, each))
      case 'cross-entropy':
        return weighted(() => kernels.crossEntropy(values, gradient, bytes, rows, channels, labels, scale, each))
      case 'mean-squared-error':
        return () => kernels.meanSquaredError(values, gradient, bytes, rows, channels, labels, scale)
      default:
        return unreachable(this.#loss)
    }
  }

  /**
   * The gradient's way from the output down; all of it runs before any parameter moves, since a fused step overwrites
   * what the chain still reads.
   */
  backpropagate(rows: number): Call[] {
    return this.#downwards.flatMap((layer) => layer.backpropagate(rows))
  }

  /** From the gradients of the layers' outputs to those of the parameters. */
  gradients(rows: number): Call[] {
    return this.#downwards.flatMap((layer) => layer.gradients(rows))
  }

  /** Adds each row's squared gradient norm over all parameters to `squares`, in float64. */
  squaredNorms(rows: number, squares: number): Call[] {
    return this.#layers.flatMap((layer) => layer.squaredNorms?.(rows, squares) ?? [])
  }

  /** Multiplies each row's gradient by its factor: between `backpropagate` and `gradients`. */
  scaleGradients(rows: number, factors: number): Call[] {
    const { kernels } = this.#machine
    return this.#layers
      .filter((layer) => layer.squaredNorms !== undefined)
      .map(({ output }): Call => {
        const { gradient } = output
        if (gradient === undefined) throw new Error('a program for predictions has no gradients')
        return () => kernels.scaleRows(gradient, rowPitch(output), rows, factors)
      })
  }

  get #downwards(): readonly CompiledLayer[] {
    return [...this.#layers].reverse()
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

/** Layers the engine has kernels for; models with others run on TensorFlow.js. */
export const compiles = (model: ModelDescription): boolean => model.layers.every(hasKernels)

type KernelLayer = Exclude<Layer, SequenceLayer>

const overSequences: ReadonlySet<string> = new Set<SequenceLayer['type']>([
  'rnn',
  'gru',
  'lstm',
  'places',
  'transformer',
  'meanSteps',
])

const hasKernels = (layer: Layer): layer is KernelLayer => !overSequences.has(layer.type)

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
  for (const [index, { layer, tensors }] of layout.layers.entries()) {
    if (!hasKernels(layer)) throw new Error(`no kernels for a layer ${layer.type}`)
    const own = slots.slice(next, next + tensors.length)
    const compiled =
      layer.type === 'dropout' ? dropout(build, layer, below, index) : compileLayer(build, layer, below, own)
    next += tensors.length
    layers.push(compiled)
    below = compiled.output
  }
  return layers
}

function compileLayer(
  build: Build,
  layer: Exclude<KernelLayer, DropoutLayer>,
  input: Values,
  slots: readonly Slot[],
): CompiledLayer {
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
    case 'layerNorm':
    case 'groupNorm':
      return norm(build, layer, input, slots)
    case 'batchNorm':
      return batchNorm(build, input, slots)
    case 'embedding':
      return embedding(build, layer, input, slots)
    default:
      return unreachable(layer)
  }
}
