/** Layouts of images in the arena, and copies between them. */

import type { Call } from './layer.ts'
import type { Machine } from './machine.ts'
import type { Sliding } from './sliding.ts'
import { roundUp, type Values } from './values.ts'

/** Bytes between neighbours, from `address` on. */
export interface Strides {
  readonly address: number
  readonly image: number
  readonly row: number
  readonly pixel: number
}

/** How a layer's buffer stands; `gradient` picks the gradient's. */
export function stridesOf(values: Values, address: number): Strides {
  const [, width] = imageShape(values)
  const pixel = 4 * values.pitch
  return { address, pixel, row: width * pixel, image: values.pixels * pixel }
}

/** Height, width and channels; the layout of the model has made sure that there are three. */
export function imageShape({ shape }: Values): readonly [number, number, number] {
  const [height, width, channels] = shape
  return [height, width, channels]
}

/** The call that copies `images` images of [height, width, channels]. */
export function copyImages(
  { kernels }: Machine,
  images: number,
  shape: readonly number[],
  from: Strides,
  to: Strides,
): Call {
  const [height, width, channels] = shape
  return () =>
    kernels.place(
      images,
      height,
      width,
      channels,
      from.address,
      from.image,
      from.row,
      from.pixel,
      to.address,
      to.image,
      to.row,
      to.pixel,
    )
}

/** A buffer of zeros for `capacity` images of [height, width, channels] without room between pixels. */
export function allocateCompact(machine: Machine, capacity: number, shape: readonly [number, number, number]): Strides {
  const [height, width, channels] = shape
  const pixel = 4 * channels
  return {
    address: machine.allocate(capacity * height * width * channels),
    pixel,
    row: width * pixel,
    image: height * width * pixel,
  }
}

/** Byte offsets of the window's corner for each position of each image, filled up to a multiple of four. */
export function cornerOffsets(machine: Machine, { capacity, counts, images, stride }: Sliding): number {
  const [rows, columns] = counts
  const length = capacity * rows * columns
  const address = machine.allocate(roundUp(length, 4))
  const offsets = machine.integers(address, roundUp(length, 4))
  for (let i = 0; i < offsets.length; i++) {
    const position = Math.min(i, length - 1)
    const [of, within] = [Math.floor(position / (rows * columns)), position % (rows * columns)]
    const [down, across] = [Math.floor(within / columns), within % columns]
    offsets[i] = of * images.image + down * stride * images.row + across * stride * images.pixel
  }
  return address
}
