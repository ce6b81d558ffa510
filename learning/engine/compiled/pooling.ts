/** Pooling and flattening: layers without parameters between images and dense layers. */

import type { Pool2dLayer } from '../../models/description.ts'
import { copyImages, imageShape, stridesOf } from './geometry.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import { allocateValues, type Values } from './values.ts'

export function pooling(build: Build, layer: Pool2dLayer, given: Values): CompiledLayer {
  const { machine, capacity, training } = build
  const { kernels } = machine
  const { size, stride } = layer
  const spaced = given.pitch % 4 === 0 ? given : allocateValues(machine, given.shape, capacity, false)
  const [height, width, channels] = imageShape(spaced)
  const [rows, columns] = [Math.floor((height - size) / stride) + 1, Math.floor((width - size) / stride) + 1]
  const output = allocateValues(machine, [rows, columns, channels], capacity, training)
  const largest = layer.type === 'maxPool2d'
  const pool = largest ? kernels.maxPool : kernels.avgPool
  return {
    output,
    forward: (count): Call[] => [
      ...(spaced === given
        ? []
        : [copyImages(machine, count, given.shape, stridesOf(given, given.values), stridesOf(spaced, spaced.values))]),
      () => pool(spaced.values, count, height, width, spaced.pitch, size, stride, rows, columns, output.values),
    ],
    backpropagate: (count): Call[] => {
      const [below, gradient] = [given.gradient, output.gradient]
      if (below === undefined || gradient === undefined) return []
      if (!largest) {
        return [
          () =>
            kernels.avgPoolBackward(count, height, width, spaced.pitch, size, stride, rows, columns, below, gradient),
        ]
      }
      return [
        () =>
          kernels.maxPoolBackward(
            spaced.values,
            count,
            height,
            width,
            spaced.pitch,
            size,
            stride,
            rows,
            columns,
            output.values,
            below,
            gradient,
          ),
      ]
    },
    gradients: () => [],
  }
}

/** Only a change of name where pixels stand without room between them, else a copy. */
export function flatten({ machine, capacity, training }: Build, input: Values): CompiledLayer {
  const features = input.pixels * input.channels
  const flat = { shape: [features], pixels: 1, channels: features }
  if (input.pitch === input.channels || input.pixels === 1) {
    const output = { ...input, ...flat, pitch: input.pixels * input.pitch }
    return { output, forward: () => [], backpropagate: () => [], gradients: () => [] }
  }
  const shape = [1, input.pixels, input.channels]
  const apart = { ...input, shape }
  const output = allocateValues(machine, [features], capacity, training)
  const within = (address: number) => ({ address, pixel: 4 * input.channels, row: 0, image: 4 * output.pitch })
  return {
    output,
    forward: (rows) => [copyImages(machine, rows, shape, stridesOf(apart, input.values), within(output.values))],
    backpropagate: (rows) => {
      const [below, gradient] = [input.gradient, output.gradient]
      if (below === undefined || gradient === undefined) return []
      return [copyImages(machine, rows, shape, within(gradient), stridesOf(apart, below))]
    },
    gradients: () => [],
  }
}
