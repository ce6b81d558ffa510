/**
 * Models as a LayersModel of TensorFlow.js: `model.json` with the layers and a file with their weights. The model takes
 * prepared features; schema and preprocessing stand in its user-defined metadata, and `concordat predict` applies them.
 */

import * as z from 'zod'
import { concat, utf8, utf8Text } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import { check } from '../../protocol/plan.ts'
import { float32Bytes, type ModelFile } from '../algorithms/model-file.ts'
import { type Activation, type Layer, leakySlope, runningShare } from '../models/description.ts'
import { layOut } from '../models/layout.ts'
import type { ModelFormat } from './format.ts'
import { headerOf, modelFrom, parseJson, tensorFrom, tensorsOf } from './tensors.ts'

export const tfjs: ModelFormat = {
  write(model, stem) {
    const weights = `${stem}.weights.bin`
    const tensors = tensorsOf(model)
    const names = weightNames(model)
    const json = {
      format: 'layers-model',
      generatedBy: 'concordat',
      convertedBy: null,
      modelTopology: { keras_version: 'tfjs-layers', backend: 'tensor_flow.js', model_config: topology(model) },
      weightsManifest: [
        { paths: [weights], weights: tensors.map(({ shape }, i) => ({ name: names[i], shape, dtype: 'float32' })) },
      ],
      userDefinedMetadata: { concordat: headerOf(model) },
    }
    const bytes = concat(...tensors.map(({ values }) => float32Bytes(values)))
    return [
      { name: `${stem}.json`, bytes: utf8(JSON.stringify(json)) },
      { name: weights, bytes },
    ]
  },

  async read(main, part) {
    const { weightsManifest, userDefinedMetadata } = check(modelSchema, parseJson(utf8Text(main)), [], 'ERR_MODEL_FILE')
    const tensors = new Map<string, ReturnType<typeof tensorFrom>>()
    for (const { paths, weights } of weightsManifest) {
      const bytes = concat(...(await Promise.all(paths.map(part))))
      let offset = 0
      for (const { name, shape } of weights) {
        const end = offset + 4 * shape.reduce((size, side) => size * side, 1)
        tensors.set(name, tensorFrom(name, shape, bytes.subarray(offset, end)))
        offset = end
      }
    }
    return modelFrom(userDefinedMetadata?.concordat, tensors, weightNames)
  },
}

const modelSchema = z.looseObject({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string().min(1)),
      weights: z.array(z.object({ name: z.string(), shape: z.array(z.int().min(0)), dtype: z.literal('float32') })),
    }),
  ),
  userDefinedMetadata: z.looseObject({ concordat: z.string().optional() }).optional(),
})

/** A layer as Keras writes it. */
interface KerasLayer {
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
}

function topology({ model }: ModelFile): unknown {
  const { layers } = layOut(model)
  const own = layers.flatMap(({ layer }, i) => kerasLayers(layer, `layer_${i}`))
  const link = {
    'binary-cross-entropy': 'sigmoid',
    'cross-entropy': 'softmax',
    'mean-squared-error': 'linear',
  } as const
  const last = { class_name: 'Activation', config: { name: 'prediction', activation: link[model.loss] } }
  const [first, ...others] = [...own, last]
  const input = { batch_input_shape: [null, ...model.input], dtype: 'float32' }
  const all = [{ ...first, config: { ...first.config, ...input } }, ...others]
  return { class_name: 'Sequential', config: { name: 'concordat', layers: all } }
}

/** Keras' names of the weights, in the order of the layout. */
const weightNames = ({ model }: ModelFile): string[] =>
  layOut(model).layers.flatMap(({ layer, tensors }, i) => {
    const names = weightsOf[layer.type] ?? ['kernel', 'bias']
    return tensors.map((_, k) => `layer_${i}/${names[k]}`)
  })

const weightsOf: Readonly<Partial<Record<Layer['type'], readonly string[]>>> = {
  layerNorm: ['gamma', 'beta'],
  batchNorm: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
  embedding: ['embeddings'],
  rnn: ['kernel', 'recurrent_kernel', 'bias'],
  gru: ['kernel', 'recurrent_kernel', 'bias'],
  lstm: ['kernel', 'recurrent_kernel', 'bias'],
}

function kerasLayers(layer: Layer, name: string): KerasLayer[] {
  switch (layer.type) {
    case 'dense':
      return activated(layer.activation, name, { class_name: 'Dense', config: { units: layer.units, use_bias: true } })
    case 'conv2d': {
      const { filters, kernel, stride, padding } = layer
      const config = {
        filters,
        kernel_size: kernel,
        strides: [stride, stride],
        padding,
        ...channelsLast,
        use_bias: true,
      }
      return activated(layer.activation, name, { class_name: 'Conv2D', config })
    }
    case 'maxPool2d':
    case 'avgPool2d': {
      const sizes = { pool_size: [layer.size, layer.size], strides: [layer.stride, layer.stride], padding: 'valid' }
      const class_name = layer.type === 'maxPool2d' ? 'MaxPooling2D' : 'AveragePooling2D'
      return [{ class_name, config: { name, ...sizes, ...channelsLast } }]
    }
    case 'flatten':
      return [{ class_name: 'Flatten', config: { name } }]
    case 'dropout':
      return [{ class_name: 'Dropout', config: { name, rate: layer.rate } }]
    case 'layerNorm':
      return [{ class_name: 'LayerNormalization', config: { name, axis: -1, epsilon: 1e-5 } }]
    case 'batchNorm': {
      const config = { name, axis: -1, epsilon: 1e-5, momentum: runningShare }
      return [{ class_name: 'BatchNormalization', config }]
    }
    case 'embedding':
      return [{ class_name: 'Embedding', config: { name, input_dim: layer.vocabulary, output_dim: layer.width } }]
    case 'rnn':
    case 'gru':
    case 'lstm': {
      const { units, sequences } = layer
      const config = { name, units, return_sequences: sequences, activation: 'tanh', recurrent_activation: 'sigmoid' }
      return [{ class_name: { rnn: 'SimpleRNN', gru: 'GRU', lstm: 'LSTM' }[layer.type], config }]
    }
    case 'meanSteps':
      return [{ class_name: 'GlobalAveragePooling1D', config: { name } }]
    case 'groupNorm':
    case 'places':
    case 'transformer':
      throw new InputError('ERR_EXPORT', `TensorFlow.js has no layer "${layer.type}"; safetensors takes every model`)
  }
}

const channelsLast = { data_format: 'channels_last' }

/** With its activation, which is a layer of its own where Keras has none of that name. */
function activated(activation: Activation, name: string, { class_name, config }: KerasLayer): KerasLayer[] {
  if (activation !== 'leaky-relu') return [{ class_name, config: { name, ...config, activation } }]
  const leaky = { class_name: 'LeakyReLU', config: { name: `${name}.leaky`, alpha: leakySlope } }
  return [{ class_name, config: { name, ...config, activation: 'linear' } }, leaky]
}
