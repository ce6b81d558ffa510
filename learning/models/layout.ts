/** Where each layer's numbers stand in the flat parameters, and the shape of one example on its way through the model. */

import { unreachable } from '../../protocol/errors.ts'
import type { Conv2dLayer, Layer, Loss, ModelDescription } from './description.ts'
import { type Placement, type Role, shapeError } from './placement.ts'
import { placeSequence } from './sequence-layout.ts'
import { type Sliding, windows } from './window.ts'

/** One tensor of the parameters: `size` numbers from `offset`, row-major in `shape`. */
export interface ParameterTensor {
  readonly name: string
  readonly role: Role
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}

export interface PlacedLayer {
  readonly layer: Layer
  /** Shapes of one example, without the batch. */
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly tensors: readonly ParameterTensor[]
}

export interface Layout {
  readonly layers: readonly PlacedLayer[]
  /** Numbers of one example. */
  readonly features: number
  /** Numbers of one row of outputs. */
  readonly outputs: number
  readonly parameters: number
  /** Where the inputs are whole numbers from 0 to below this. */
  readonly vocabulary: number | undefined
}

/** Classes a label can have, for the losses of classifiers. */
export const classCount = (layout: Layout, loss: Loss): number => (loss === 'cross-entropy' ? layout.outputs : 2)

export const product = (shape: readonly number[]): number => shape.reduce((all, side) => all * side, 1)

/** @throws InputError ERR_MODEL_SHAPE where a layer does not fit on the one below it, or the outputs not on the loss. */
export function layOut(model: ModelDescription): Layout {
  const layers: PlacedLayer[] = []
  let shape = model.input
  let offset = 0
  for (const [i, layer] of model.layers.entries()) {
    const where = `model.layers.${i}`
    if (layer.type === 'embedding' && i > 0) throw shapeError(where, 'an embedding is the first layer', shape)
    const { output, tensors } = place(layer, shape, where)
    const placed = tensors.map(({ part, role, shape: sides }) => {
      const name = [i, layer.type, ...(part === undefined ? [] : [part]), role].join('.')
      const tensor = { name, role, shape: sides, offset, size: product(sides) }
      offset += tensor.size
      return tensor
    })
    layers.push({ layer, input: shape, output, tensors: placed })
    shape = output
  }
  checkOutputs(model.loss, shape)
  const [first] = model.layers
  const vocabulary = first.type === 'embedding' ? first.vocabulary : undefined
  return { layers, features: product(model.input), outputs: product(shape), parameters: offset, vocabulary }
}

function place(layer: Layer, input: readonly number[], where: string): Placement {
  switch (layer.type) {
    case 'dense': {
      if (input.length !== 1) throw shapeError(where, 'a dense layer needs one number a feature', input)
      const tensors = [
        { role: 'kernel' as const, shape: [input[0], layer.units] },
        { role: 'bias' as const, shape: [layer.units] },
      ]
      return { output: [layer.units], tensors }
    }
    case 'conv2d':
      return placeConvolution(layer, input, where)
    case 'maxPool2d':
    case 'avgPool2d': {
      const sliding = { size: layer.size, stride: layer.stride, padding: 'valid' as const }
      const [height, width] = slide(input, [sliding, sliding], where)
      return { output: [height, width, input[2]], tensors: [] }
    }
    case 'flatten':
      return { output: [product(input)], tensors: [] }
    case 'dropout':
      return { output: input, tensors: [] }
    case 'batchNorm': {
      const shape = [input[input.length - 1]]
      const roles = ['scale', 'bias', 'mean', 'variance'] as const
      return { output: input, tensors: roles.map((role) => ({ role, shape })) }
    }
    case 'layerNorm':
    case 'groupNorm': {
      const channels = input[input.length - 1]
      if (layer.type === 'groupNorm' && channels % layer.groups !== 0) {
        throw shapeError(where, `the channels must be a multiple of ${layer.groups} groups`, input)
      }
      const tensors = [
        { role: 'scale' as const, shape: [channels] },
        { role: 'bias' as const, shape: [channels] },
      ]
      return { output: input, tensors }
    }
    case 'embedding': {
      if (input.length !== 1) throw shapeError(where, 'an embedding needs a row of whole numbers', input)
      const tensors = [{ role: 'kernel' as const, shape: [layer.vocabulary, layer.width] }]
      return { output: [input[0], layer.width], tensors }
    }
    case 'rnn':
    case 'gru':
    case 'lstm':
    case 'places':
    case 'transformer':
    case 'meanSteps':
      return placeSequence(layer, input, where)
    default:
      return unreachable(layer)
  }
}

function placeConvolution(layer: Conv2dLayer, input: readonly number[], where: string): Placement {
  const { kernel, stride, padding, filters } = layer
  const [height, width] = slide(
    input,
    kernel.map((size) => ({ size, stride, padding })),
    where,
  )
  const tensors = [
    { role: 'kernel' as const, shape: [...kernel, input[2], filters] },
    { role: 'bias' as const, shape: [filters] },
  ]
  return { output: [height, width, filters], tensors }
}

/** Positions of a window over the height and the width of an image. */
function slide(input: readonly number[], sliding: readonly Sliding[], where: string): number[] {
  if (input.length !== 3) throw shapeError(where, 'expected images of [height, width, channels]', input)
  const counts = sliding.map((side, axis) => windows(input[axis], side).count)
  if (counts.some((count) => count < 1)) throw shapeError(where, 'the window is larger than the image', input)
  return counts
}

function checkOutputs(loss: Loss, shape: readonly number[]): void {
  if (shape.length !== 1) throw shapeError('model.loss', 'expected one row of outputs an example', shape)
  if (loss === 'binary-cross-entropy' && shape[0] !== 1) {
    throw shapeError('model.loss', 'binary cross-entropy needs exactly one output', shape)
  }
  if (loss === 'cross-entropy' && shape[0] < 2) {
    throw shapeError('model.loss', 'cross-entropy needs one output a class, two at least', shape)
  }
}
