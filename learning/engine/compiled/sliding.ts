/** Kernels that slide over images with room round them: the products a convolution is made of, taken where the pixels stand. */

import { cornerOffsets, type Strides } from './geometry.ts'
import type { Call, Target } from './layer.ts'
import type { Machine } from './machine.ts'

/** What slides over what; the images stand without room between their pixels. */
export interface Sliding {
  readonly images: Strides
  /** The largest batch. */
  readonly capacity: number
  readonly inputs: number
  /** Height and width of the kernel. */
  readonly size: readonly [number, number]
  readonly stride: number
  /** Positions down and across. */
  readonly counts: readonly [number, number]
}

/** y = images * kernel + bias, then max(0, .) if `relu`; addresses, the kernel in panels. */
export interface Product {
  readonly kernel: number
  readonly panels: number
  readonly bias: number
  readonly relu: boolean
  readonly y: number
}

/** kernel = keep kernel + alpha (the gradient that `dy` brings), over some images of the batch. */
export interface Gradient {
  readonly first: number
  readonly count: number
  readonly kernel: number
  readonly panels: number
  /** Of the whole batch. */
  readonly dy: number
  readonly target: Pick<Target, 'alpha' | 'keepKernel'>
}

export interface Products {
  multiply(rows: number, product: Product): Call[]
  accumulate(gradient: Gradient): Call[]
}

/** A window is `height` stretches of `width * channels` numbers, read where they stand. */
export function directProducts(machine: Machine, sliding: Sliding): Products {
  const { kernels } = machine
  const { images, inputs, size, counts } = sliding
  const pixels = counts[0] * counts[1]
  const offsets = cornerOffsets(machine, sliding)
  const window = [size[0], size[1] * inputs, images.row] as const
  const block = blockOf(pixels)
  return {
    multiply: (rows, { kernel, panels, bias, relu, y }) => [
      () =>
        kernels.multiply(
          ...([images.address, offsets, rows * pixels, ...window] as const),
          ...([kernel, 32 * size[0] * size[1] * inputs, bias, y, 32 * panels, panels, block, false, relu] as const),
        ),
    ],
    accumulate: ({ first, count, kernel, panels, dy, target }) => {
      const [x, slopes] = [images.address + first * images.image, dy + 32 * first * pixels * panels]
      return [
        () =>
          kernels.accumulate(
            ...([x, offsets, count * pixels, ...window, slopes, 32 * panels] as const),
            ...([kernel, panels, block, target.alpha, target.keepKernel] as const),
          ),
      ]
    },
  }
}

/** Positions that go through all panels together: few images, so that they stay in the cache. */
const blockOf = (pixels: number): number => Math.max(4, Math.floor(Math.min(pixels, 256) / 4) * 4)
