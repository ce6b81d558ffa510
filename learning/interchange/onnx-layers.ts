/** A model's layers as ONNX operators. Images are [rows, channels, height, width] there and channels last here. */

import { InputError } from '../../protocol/errors.ts'
import { type Activation, type Conv2dLayer, leakySlope } from '../models/description.ts'
import type { PlacedLayer } from '../models/layout.ts'
import { windows } from '../models/window.ts'
import type { OnnxBuilder } from './onnx-builder.ts'
import { dataTypes } from './onnx-graph.ts'
import type { NamedTensor } from './tensors.ts'

const toFirst = { perm: [0, 3, 1, 2] }
const toLast = { perm: [0, 2, 3, 1] }
const epsilon = { float: 1e-5 }

/** @returns the name of the layer's output. @throws InputError ERR_EXPORT */
export function applyLayer(
  graph: OnnxBuilder,
  placed: PlacedLayer,
  tensors: readonly NamedTensor[],
  x: string,
): string {
  const { layer, input } = placed
  switch (layer.type) {
    case 'dense': {
      const [kernel, bias] = constants(graph, tensors)
      return activate(graph, layer.activation, graph.node('Gemm', [x, kernel, bias]))
    }
    case 'conv2d':
      return activate(graph, layer.activation, convolve(graph, layer, input, tensors, x))
    case 'maxPool2d':
    case 'avgPool2d': {
      const sizes = { kernel_shape: [layer.size, layer.size], strides: [layer.stride, layer.stride] }
      return graph.node(layer.type === 'maxPool2d' ? 'MaxPool' : 'AveragePool', [x], sizes)
    }
    case 'flatten': {
      const last = input.length === 3 ? graph.node('Transpose', [x], toLast) : x
      return graph.node('Flatten', [last], { axis: 1 })
    }
    case 'dropout':
      return x
    case 'layerNorm': {
      const [scale, bias] = constants(graph, tensors)
      const last = input.length === 3 ? graph.node('Transpose', [x], toLast) : x
      const normal = graph.node('LayerNormalization', [last, scale, bias], { axis: -1, epsilon })
      return input.length === 3 ? graph.node('Transpose', [normal], toFirst) : normal
    }
    case 'batchNorm':
      if (input.length === 2) throw unknown(layer.type)
      return graph.node('BatchNormalization', [x, ...constants(graph, tensors)], { epsilon })
    case 'groupNorm':
      if (input.length === 2) throw unknown(layer.type)
      return normaliseGroups(graph, layer.groups, { input, tensors }, x)
    case 'embedding': {
      const [table] = constants(graph, tensors)
      return graph.node('Gather', [table, graph.node('Cast', [x], { to: dataTypes.int64 })])
    }
    case 'rnn':
    case 'gru':
    case 'lstm':
    case 'places':
    case 'transformer':
    case 'meanSteps':
      throw unknown(layer.type)
  }
}

/** Rows of features in the shape that the first layer takes. */
export function shapeInput(graph: OnnxBuilder, features: string, input: readonly number[]): string {
  if (input.length === 1) return features
  const shaped = graph.node('Reshape', [features, graph.whole([-1, ...input])])
  return input.length === 3 ? graph.node('Transpose', [shaped], toFirst) : shaped
}

const unknown = (type: string): InputError =>
  new InputError('ERR_EXPORT', `the layer "${type}" is not written to ONNX; safetensors takes every model`)

const constants = (graph: OnnxBuilder, tensors: readonly NamedTensor[]): string[] =>
  tensors.map(({ name, shape, values }) => graph.floats(name, shape, values))

function convolve(
  graph: OnnxBuilder,
  { kernel: sizes, stride, padding }: Conv2dLayer,
  input: readonly number[],
  [kernel, bias]: readonly NamedTensor[],
  x: string,
): string {
  const sides = sizes.map((size, axis) => {
    const { count, before } = windows(input[axis], { size, stride, padding })
    return { before, after: Math.max((count - 1) * stride + size - input[axis] - before, 0) }
  })
  const pads = [...sides.map(({ before }) => before), ...sides.map(({ after }) => after)]
  const turned = turnKernel(kernel)
  const weights = [graph.floats(turned.name, turned.shape, turned.values), ...constants(graph, [bias])]
  return graph.node('Conv', [x, ...weights], { kernel_shape: sizes, strides: [stride, stride], pads })
}

/** [height, width, channels, filters] to [filters, channels, height, width]. */
export function turnKernel({ name, shape, values }: NamedTensor): NamedTensor {
  const [height, width, channels, filters] = shape
  const turned = new Float32Array(values.length)
  for (let at = 0, place = 0; place < height * width; place++) {
    for (let c = 0; c < channels; c++) {
      for (let f = 0; f < filters; f++) turned[(f * channels + c) * height * width + place] = values[at++]
    }
  }
  return { name, shape: [filters, channels, height, width], values: turned }
}

/** The way back of `turnKernel`. */
export function turnBack({ name, shape, values }: NamedTensor): NamedTensor {
  const [filters, channels, height, width] = shape
  const turned = new Float32Array(values.length)
  for (let at = 0, place = 0; place < height * width; place++) {
    for (let c = 0; c < channels; c++) {
      for (let f = 0; f < filters; f++) turned[at++] = values[(f * channels + c) * height * width + place]
    }
  }
  return { name, shape: [height, width, channels, filters], values: turned }
}

/** Each group of a row is normalised like a channel of its own; then every channel has its scale and shift. */
function normaliseGroups(
  graph: OnnxBuilder,
  groups: number,
  { input, tensors }: { readonly input: readonly number[]; readonly tensors: readonly NamedTensor[] },
  x: string,
): string {
  const channels = input[input.length - 1]
  const sides = input.length === 3 ? [channels, input[0], input[1]] : [channels]
  const apart = graph.node('Reshape', [x, graph.whole([0, groups, -1])])
  const unit = [1, 0].map((value, i) =>
    graph.floats(`${tensors[i].name}.unit`, [groups], new Float32Array(groups).fill(value)),
  )
  const normal = graph.node('InstanceNormalization', [apart, ...unit], { epsilon })
  const whole = graph.node('Reshape', [normal, graph.whole([-1, ...sides])])
  const broadcast = input.length === 3 ? [channels, 1, 1] : [channels]
  const [scale, bias] = constants(graph, tensors).map((name) => graph.node('Reshape', [name, graph.whole(broadcast)]))
  return graph.node('Add', [graph.node('Mul', [whole, scale]), bias])
}

function activate(graph: OnnxBuilder, activation: Activation, x: string): string {
  switch (activation) {
    case 'linear':
      return x
    case 'leaky-relu':
      return graph.node('LeakyRelu', [x], { alpha: { float: leakySlope } })
    case 'relu':
    case 'elu':
    case 'softplus':
    case 'sigmoid':
    case 'tanh':
      return graph.node(operators[activation], [x])
  }
}

const operators = { relu: 'Relu', elu: 'Elu', softplus: 'Softplus', sigmoid: 'Sigmoid', tanh: 'Tanh' } as const
