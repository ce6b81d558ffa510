/**
 * A convolution as a matrix product over windows that are read where they stand: a window of a padded image is `height`
 * stretches of `width * channels` numbers. The way back is a convolution of the gradient with the kernel turned round.
 */

import type { Conv2dLayer } from '../../models/description.ts'
import { windows } from '../../models/window.ts'
import { activate, deactivate } from './activation.ts'
import { allocateCompact, copyImages, cornerOffsets, imageShape, type Strides, stridesOf } from './geometry.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, type Values } from './values.ts'

export function convolution(build: Build, layer: Conv2dLayer, input: Values, slots: readonly Slot[]): CompiledLayer {
  const [kernel, bias] = slots
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const [height, width, channels] = imageShape(input)
  const { stride, padding, filters } = layer
  const [down, across] = [
    windows(height, { size: layer.kernel[0], stride, padding }),
    windows(width, { size: layer.kernel[1], stride, padding }),
  ]
  const output = allocateValues(machine, [down.count, across.count, filters], capacity, training)
  const padded = allocateCompact(machine, capacity, [
    Math.max((down.count - 1) * stride + layer.kernel[0], down.before + height),
    Math.max((across.count - 1) * stride + layer.kernel[1], across.before + width),
    channels,
  ])
  const inside = { ...padded, address: padded.address + down.before * padded.row + across.before * padded.pixel }
  const offsets = cornerOffsets(machine, capacity, [down.count, across.count], padded, stride)
  const length = layer.kernel[1] * channels
  const relu = layer.activation === 'relu'
  const back = training ? wayBack(build, layer, { input, output, kernel }, [down.before, across.before]) : () => []
  const scratch = build.perRow ? machine.allocate(8 * (kernel.rows * kernel.panels + bias.panels)) : 0

  return {
    output,
    forward: (rows): Call[] => [
      copyImages(machine, rows, input.shape, stridesOf(input, input.values), inside),
      () =>
        kernels.multiply(
          padded.address,
          offsets,
          rows * output.pixels,
          layer.kernel[0],
          length,
          padded.row,
          kernel.values,
          bias.values,
          output.values,
          4 * output.pitch,
          kernel.panels,
          blockOf(output.pixels),
          relu,
        ),
      ...(relu ? [] : activate(machine, layer.activation, output, rows)),
    ],
    backpropagate: (rows): Call[] => [...deactivate(machine, layer.activation, output, rows), ...back(rows)],
    gradients: (rows): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      const [toKernel, toBias] = [target.address(kernel), target.address(bias)]
      return [
        () =>
          kernels.accumulate(
            padded.address,
            offsets,
            rows * output.pixels,
            layer.kernel[0],
            length,
            padded.row,
            gradient,
            4 * output.pitch,
            toKernel,
            kernel.panels,
            blockOf(output.pixels),
            target.alpha,
            target.keepKernel,
          ),
        () =>
          kernels.accumulateBias(
            gradient,
            4 * output.pitch,
            rows * output.pixels,
            toBias,
            bias.panels,
            target.alpha,
            target.keepBias,
          ),
      ]
    },
    // A row's gradient is made in `scratch`, measured and forgotten: with many positions that is less work than the
    // products of all pairs of positions would be (Bu et al. 2022, "Scalable and efficient training of large
    // convolutional neural networks with differential privacy", mixed ghost clipping).
    squaredNorms: (rows, squares): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      const { pixels, pitch } = output
      const floats = 8 * kernel.rows * kernel.panels
      return Array.from({ length: rows }, (_, row): Call[] => {
        const [corners, rowGradient] = [offsets + 4 * row * pixels, gradient + 4 * row * pixels * pitch]
        return [
          () =>
            kernels.accumulate(
              padded.address,
              corners,
              pixels,
              layer.kernel[0],
              length,
              padded.row,
              rowGradient,
              4 * pitch,
              scratch,
              kernel.panels,
              blockOf(pixels),
              1,
              0,
            ),
          () => kernels.accumulateBias(rowGradient, 4 * pitch, pixels, scratch + 4 * floats, bias.panels, 1, 0),
          () => kernels.addSquaredNorm(scratch, floats + 8 * bias.panels, squares, row),
        ]
      }).flat()
    },
  }
}

/** Positions that go through all panels together: few images, so that they stay in the cache. */
const blockOf = (pixels: number): number => Math.max(4, Math.floor(Math.min(pixels, 256) / 4) * 4)

interface Ends {
  readonly input: Values
  readonly output: Values
  readonly kernel: Slot
}

/** The calls that carry the gradient to the layer below, if it wants one. */
function wayBack(
  { machine, capacity }: Build,
  layer: Conv2dLayer,
  { input, output, kernel }: Ends,
  [above, left]: readonly [number, number],
): (rows: number) => Call[] {
  const { kernels } = machine
  const [below, gradient] = [input.gradient, output.gradient]
  if (below === undefined || gradient === undefined) return () => []
  const [tall, wide] = layer.kernel
  const { stride, filters } = layer
  const [height, width, channels] = imageShape(input)
  const spread = allocateCompact(machine, capacity, [height + tall - 1, width + wide - 1, filters])
  const inside: Strides = {
    address: spread.address + (tall - 1 - above) * spread.row + (wide - 1 - left) * spread.pixel,
    image: spread.image,
    row: stride * spread.row,
    pixel: stride * spread.pixel,
  }
  const offsets = cornerOffsets(machine, capacity, [height, width], spread, 1)
  const panels = Math.ceil(channels / 8)
  const turned = machine.allocate(tall * wide * filters * panels * 8)
  const noBias = machine.allocate(panels * 8)
  return (rows) => [
    () => kernels.turn(kernel.values, tall * wide, channels, filters, turned),
    copyImages(machine, rows, output.shape, stridesOf(output, gradient), inside),
    () =>
      kernels.multiply(
        spread.address,
        offsets,
        rows * input.pixels,
        tall,
        wide * filters,
        spread.row,
        turned,
        noBias,
        below,
        4 * input.pitch,
        panels,
        blockOf(input.pixels),
        false,
      ),
  ]
}
