/** Fresh parameters of a model: Glorot-uniform kernels, zero biases and scales of one (Glorot and Bengio 2010, eq. 16). */

import type { Stream } from '../../protocol/stream.ts'
import type { ModelDescription } from './description.ts'
import { layOut, product } from './layout.ts'

/** How many numbers the model has; fixes the length of the lane that carries its update. */
export const parameterCount = (model: ModelDescription): number => layOut(model).parameters

/** Flat, in layer order, kernels before biases; equal streams give equal parameters. */
export function initialParameters(model: ModelDescription, stream: Stream): Float32Array {
  const { layers, parameters } = layOut(model)
  const initial = new Float32Array(parameters)
  for (const { role, shape, offset, size } of layers.flatMap((layer) => layer.tensors)) {
    if (role === 'scale' || role === 'variance') initial.fill(1, offset, offset + size)
    if (role !== 'kernel') continue
    const receptive = product(shape.slice(0, -2))
    const limit = Math.sqrt(6 / (receptive * (shape[shape.length - 2] + shape[shape.length - 1])))
    for (let i = 0; i < size; i++) initial[offset + i] = limit * (2 * stream.uniform() - 1)
  }
  return initial
}
