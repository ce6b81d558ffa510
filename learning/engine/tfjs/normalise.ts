/** Layer, group and batch norm in TensorFlow.js operations. */

import * as tf from '@tensorflow/tfjs'

/** Numbers of each `position` of a row, or of the whole `row`, are normalised together, each group of channels apart. */
export function normalise(
  x: tf.Tensor,
  [scale, shift]: readonly tf.Tensor[],
  together: 'position' | 'row',
  groups: number,
): tf.Tensor {
  const channels = x.shape[x.rank - 1] ?? 1
  const blocks = together === 'row' ? x.shape[0] : x.size / channels
  const apart = x.reshape([blocks, -1, groups, channels / groups])
  const { mean, variance } = tf.moments(apart, [1, 3], true)
  const normal = apart.sub(mean).div(variance.add(1e-5).sqrt())
  return normal.reshape(x.shape).mul(scale).add(shift)
}

/** Over all rows and positions, each channel apart: by the batch's own mean and variance, or by given ones. */
export function normaliseBatch(
  x: tf.Tensor,
  [scale, shift]: readonly tf.Tensor[],
  given: Moments | undefined,
): { readonly values: tf.Tensor; readonly moments: Moments } {
  const channels = x.shape[x.rank - 1] ?? 1
  const flat = x.as2D(x.size / channels, channels)
  const moments = given ?? tf.moments(flat, 0)
  const normal = flat.sub(moments.mean).div(moments.variance.maximum(0).add(1e-5).sqrt())
  return { values: normal.mul(scale).add(shift).reshape(x.shape), moments }
}

export interface Moments {
  readonly mean: tf.Tensor
  readonly variance: tf.Tensor
}
