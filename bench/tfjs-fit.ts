/** One step of TensorFlow.js as its users take it: `model.fit` on a layers model. */

import * as tf from '@tensorflow/tfjs'
import '@tensorflow/tfjs-backend-wasm'
import type { Examples } from '../learning/engine/trainer.ts'
import type { Layer, ModelDescription } from '../learning/models/description.ts'

/** Milliseconds a step of one epoch over the examples, after one to warm up. */
export async function tfjsFit(
  backend: 'cpu' | 'wasm',
  model: ModelDescription,
  examples: Examples,
  batchSize: number,
): Promise<number> {
  tf.enableProdMode()
  await tf.setBackend(backend)
  const network = tf.sequential({ layers: model.layers.map((layer, i) => layerOf(layer, i === 0 ? model : undefined)) })
  const binary = model.loss === 'binary-cross-entropy'
  network.compile({ optimizer: tf.train.sgd(0.01), loss: binary ? 'binaryCrossentropy' : 'categoricalCrossentropy' })
  const x = tf.tensor(examples.x, [examples.rows, ...model.input])
  const y = binary ? tf.tensor2d(examples.y, [examples.rows, 1]) : tf.oneHot(tf.tensor1d(examples.y, 'int32'), 10)
  const options = { batchSize, epochs: 1, verbose: 0 } as const
  await network.fit(x, y, options)
  const start = performance.now()
  await network.fit(x, y, options)
  const elapsed = performance.now() - start
  tf.dispose([x, y])
  network.dispose()
  return elapsed / Math.ceil(examples.rows / batchSize)
}

function layerOf(layer: Layer, first: ModelDescription | undefined) {
  const shape = first === undefined ? {} : { inputShape: [...first.input] }
  switch (layer.type) {
    case 'dense': {
      const activation = layer.activation === 'relu' ? 'relu' : layer.units === 1 ? 'sigmoid' : 'softmax'
      return tf.layers.dense({ ...shape, units: layer.units, activation })
    }
    default:
      throw new Error(`no reference for a layer ${layer.type}`)
  }
}
