/**
 * A convolution: windows of images with room round them, times a kernel. The way back is a convolution of the gradient with
 * the kernel turned round.
 */

import type { Conv2dLayer } from '../../models/description.ts'
import { windows } from '../../models/window.ts'
import { activate, deactivate } from './activation.ts'
import { allocateCompact, copyImages, imageShape, type Strides, stridesOf } from './geometry.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { directProducts, type Products, type Sliding } from './sliding.ts'
import { allocateValues, type Values } from './values.ts'
import { pointProducts, suitsPoints, tiledReach } from './winograd.ts'

export function convolution(build: Build, layer: Conv2dLayer, input: Values, slots: readonly Slot[]): CompiledLayer {
  const [kernel, bias] = slots
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const [height, width, channels] = imageShape(input)
  const { stride, padding, filters, kernel: size } = layer
  const [down, across] = [
    windows(height, { size: size[0], stride, padding }),
    windows(width, { size: size[1], stride, padding }),
  ]
  const output = allocateValues(machine, [down.count, across.count, filters], capacity, training)
  const plan = { capacity, size, stride, inputs: channels, counts: [down.count, across.count] } as const
  const images = room(build, plan, filters, [down.before + height, across.before + width])
  const sliding = { ...plan, images }
  const products = productsOf(build, sliding, filters)
  const inside = { ...images, address: images.address + down.before * images.row + across.before * images.pixel }
  const relu = layer.activation === 'relu'
  const back = training ? wayBack(build, layer, { input, output, kernel }, [down.before, across.before]) : () => []
  const yPitch = 4 * output.pitch

  return {
    output,
    forward: (rows): Call[] => [
      copyImages(machine, rows, input.shape, stridesOf(input, input.values), inside),
      ...products.multiply(rows, {
        ...{ kernel: kernel.values, panels: kernel.panels, bias: bias.values },
        ...{ relu, y: output.values },
      }),
      ...(relu ? [] : activate(machine, layer.activation, output, rows)),
    ],
    backpropagate: (rows): Call[] => [...deactivate(machine, layer.activation, output, rows), ...back(rows)],
    gradients: (rows): Call[] => {
      const { gradient: dy } = output
      if (dy === undefined) return []
      const [toBias, positions] = [target.address(bias), rows * output.pixels]
      return [
        ...products.accumulate({
          ...{ first: 0, count: rows, dy, target },
          ...{ kernel: target.address(kernel), panels: kernel.panels },
        }),
        () => kernels.accumulateBias(dy, yPitch, positions, toBias, bias.panels, target.alpha, target.keepBias),
      ]
    },
    ...(build.perRow ? { squaredNorms: rowNorms(build, products, output, [kernel, bias]) } : {}),
  }
}

/**
 * A row's gradient is made in scratch, measured and forgotten: with many positions that is less work than the products of
 * all pairs of positions would be (Bu et al. 2022, "Scalable and efficient training of large convolutional neural networks
 * with differential privacy", mixed ghost clipping).
 */
function rowNorms(
  { machine }: Build,
  products: Products,
  { gradient, pixels, pitch }: Values,
  [kernel, bias]: readonly Slot[],
): (rows: number, squares: number) => Call[] {
  const { kernels } = machine
  const floats = 8 * kernel.rows * kernel.panels
  const scratch = machine.allocate(floats + 8 * bias.panels)
  const target = { alpha: 1, keepKernel: 0 }
  return (rows, squares) => {
    if (gradient === undefined) return []
    return Array.from({ length: rows }, (_, row): Call[] => {
      const own = gradient + 4 * row * pixels * pitch
      return [
        ...products.accumulate({
          ...{ first: row, count: 1, dy: gradient, target },
          ...{ kernel: scratch, panels: kernel.panels },
        }),
        () => kernels.accumulateBias(own, 4 * pitch, pixels, scratch + 4 * floats, bias.panels, 1, 0),
        () => kernels.addSquaredNorm(scratch, floats + 8 * bias.panels, squares, row),
      ]
    }).flat()
  }
}

const productsOf = ({ machine }: Build, sliding: Sliding, outputs: number): Products =>
  suitsPoints(sliding.size, sliding.stride, sliding.inputs, outputs)
    ? pointProducts(machine, sliding, outputs)
    : directProducts(machine, sliding)

/** Images of zeros with room for every window, and for `least` pixels down and across. */
function room(
  { machine }: Build,
  { capacity, counts, size, stride, inputs }: Omit<Sliding, 'images'>,
  outputs: number,
  least: readonly [number, number],
): Strides {
  const tiled = suitsPoints(size, stride, inputs, outputs)
  const [height, width] = counts.map((count, axis) =>
    Math.max(least[axis], tiled ? tiledReach(count, size[axis]) : (count - 1) * stride + size[axis]),
  )
  return allocateCompact(machine, capacity, [height, width, inputs])
}

interface Ends {
  readonly input: Values
  readonly output: Values
  readonly kernel: Slot
}

/** The calls that carry the gradient to the layer below, if it wants one. */
function wayBack(
  build: Build,
  { kernel: size, stride, filters }: Conv2dLayer,
  { input, output, kernel }: Ends,
  [above, left]: readonly [number, number],
): (rows: number) => Call[] {
  const { machine, capacity } = build
  const { kernels } = machine
  const [below, gradient] = [input.gradient, output.gradient]
  if (below === undefined || gradient === undefined) return () => []
  const [tall, wide] = size
  const [height, width, channels] = imageShape(input)
  const plan = { capacity, size, stride: 1, inputs: filters, counts: [height, width] } as const
  const spread = room(build, plan, channels, [height + tall - 1, width + wide - 1])
  const products = productsOf(build, { ...plan, images: spread }, channels)
  const inside: Strides = {
    address: spread.address + (tall - 1 - above) * spread.row + (wide - 1 - left) * spread.pixel,
    image: spread.image,
    row: stride * spread.row,
    pixel: stride * spread.pixel,
  }
  const panels = Math.ceil(channels / 8)
  const turned = machine.allocate(tall * wide * filters * panels * 8)
  const bias = machine.allocate(panels * 8)
  return (rows) => [
    () => kernels.turn(kernel.values, tall * wide, channels, filters, turned),
    copyImages(machine, rows, output.shape, stridesOf(output, gradient), inside),
    ...products.multiply(rows, { kernel: turned, panels, bias, relu: false, y: below }),
  ]
}
