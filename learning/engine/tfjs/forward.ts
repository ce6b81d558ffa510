/** A model's forward pass, loss and link in TensorFlow.js operations. */

import * as tf from '@tensorflow/tfjs'
import { unreachable } from '../../../protocol/errors.ts'
import {
  type Activation,
  type BatchNormLayer,
  type DropoutLayer,
  type Layer,
  type Loss,
  leakySlope,
} from '../../models/description.ts'
import type { Layout } from '../../models/layout.ts'
import { dropoutMask } from '../dropout.ts'
import { normalise, normaliseBatch } from './normalise.ts'
import { applySequence } from './sequences.ts'

/** What training does and prediction does not. */
export interface Training {
  /** Of the step's dropout. */
  readonly seed: number | undefined
  /** Told what a batch says of the parameter at `index`: its mean or variance. */
  readonly follow: (index: number, batch: tf.Tensor) => void
}

/** Logits (or values) for a batch `x` of shape [rows, ...input]; `parameters` in layout order. */
export function forward(
  layout: Layout,
  parameters: readonly tf.Tensor[],
  x: tf.Tensor,
  training: Training | undefined,
): tf.Tensor2D {
  let next = 0
  let values = x
  for (const [index, placed] of layout.layers.entries()) {
    const { layer } = placed
    const own = parameters.slice(next, next + placed.tensors.length)
    if (layer.type === 'dropout') values = drop(values, layer.rate, index, training?.seed)
    else if (layer.type === 'batchNorm') {
      const [, , mean, variance] = own
      const normal = normaliseBatch(values, own, training === undefined ? { mean, variance } : undefined)
      training?.follow(next + 2, normal.moments.mean)
      training?.follow(next + 3, normal.moments.variance)
      values = normal.values
    } else values = applyLayer(layer, own, values)
    next += placed.tensors.length
  }
  return values.as2D(x.shape[0], layout.outputs)
}

/** Factors on the rows' losses: one number a class, and the exponent of the focal loss. */
export interface Weighting {
  readonly classWeights: tf.Tensor1D | undefined
  readonly focal: number
}

/** Mean loss of a batch, a scalar. `y` holds 0/1, class indices or numbers. */
export function meanLoss(loss: Loss, logits: tf.Tensor2D, y: tf.Tensor1D, weighting: Weighting): tf.Scalar {
  if (loss === 'mean-squared-error') {
    return logits.sub(y.as2D(logits.shape[0], logits.shape[1])).square().mean<tf.Scalar>()
  }
  const rowLosses = loss === 'cross-entropy' ? crossEntropy(logits, y) : binaryCrossEntropy(logits, y)
  return reweigh(rowLosses, y, weighting).mean<tf.Scalar>()
}

/** log(1 + e^z) - y z, written so that no exponential can overflow. */
function binaryCrossEntropy(logits: tf.Tensor2D, y: tf.Tensor1D): tf.Tensor {
  const z = logits.flatten()
  return z.relu().add(z.abs().neg().exp().add(1).log()).sub(z.mul(y))
}

function crossEntropy(logits: tf.Tensor2D, y: tf.Tensor1D): tf.Tensor {
  const oneHot = tf.oneHot(y.toInt(), logits.shape[1])
  return logits.logSumExp(1).sub(logits.mul(oneHot).sum(1))
}

/** Class weights and focal loss (Lin et al. 2017, eq. 5); the probability of a row's class is e to minus its loss. */
function reweigh(rowLosses: tf.Tensor, y: tf.Tensor1D, { classWeights, focal }: Weighting): tf.Tensor {
  const weighted = classWeights === undefined ? rowLosses : rowLosses.mul(classWeights.gather(y.toInt()))
  if (focal === 0) return weighted
  return weighted.mul(rowLosses.neg().expm1().neg().maximum(1e-12).pow(focal))
}

/** What `predict` returns: probabilities for classifiers, the values themselves for regression. */
export function link(loss: Loss, logits: tf.Tensor2D): tf.Tensor2D {
  switch (loss) {
    case 'binary-cross-entropy':
      return logits.sigmoid()
    case 'cross-entropy':
      return logits.softmax()
    case 'mean-squared-error':
      return logits
    default:
      return unreachable(loss)
  }
}

function applyLayer(
  layer: Exclude<Layer, DropoutLayer | BatchNormLayer>,
  tensors: readonly tf.Tensor[],
  x: tf.Tensor,
): tf.Tensor {
  switch (layer.type) {
    case 'dense': {
      const [kernel, bias] = tensors
      return activate(layer.activation, tf.matMul(x, kernel).add(bias))
    }
    case 'conv2d': {
      const [kernel, bias] = tensors
      const convolved = tf.conv2d(images(x), filters(kernel), layer.stride, layer.padding)
      return activate(layer.activation, convolved.add(bias))
    }
    case 'maxPool2d':
      return tf.maxPool(images(x), layer.size, layer.stride, 'valid')
    case 'avgPool2d':
      return tf.avgPool(images(x), layer.size, layer.stride, 'valid')
    case 'flatten':
      return x.reshape([x.shape[0], -1])
    case 'layerNorm':
      return normalise(x, tensors, 'position', 1)
    case 'groupNorm':
      return normalise(x, tensors, 'row', layer.groups)
    case 'embedding': {
      const [table] = tensors
      return table.gather(x.toInt())
    }
    case 'rnn':
    case 'gru':
    case 'lstm':
    case 'places':
    case 'transformer':
    case 'meanSteps':
      return applySequence(layer, tensors, x)
    default:
      return unreachable(layer)
  }
}

function drop(x: tf.Tensor, rate: number, index: number, seed: number | undefined): tf.Tensor {
  return seed === undefined ? x : x.mul(tf.tensor(dropoutMask(seed, index, rate, x.size), x.shape))
}

/** A tensor whose shape the layout has fixed, as the type that TensorFlow.js asks for. */
const images = (x: tf.Tensor): tf.Tensor4D => x.as4D(x.shape[0], x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1)

const filters = images

function activate(activation: Activation, x: tf.Tensor): tf.Tensor {
  switch (activation) {
    case 'linear':
      return x
    case 'relu':
      return x.relu()
    case 'leaky-relu':
      return x.leakyRelu(leakySlope)
    case 'elu':
      return x.elu()
    case 'softplus':
      return x.softplus()
    case 'sigmoid':
      return x.sigmoid()
    case 'tanh':
      return x.tanh()
    default:
      return unreachable(activation)
  }
}
