/** Where the activations of a batch stand in the arena, and their gradients beside them. */

import { product } from '../../models/layout.ts'
import type { Machine } from './machine.ts'

export const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple

/**
 * A batch of examples, each `pixels` times `channels` numbers; pixels are `pitch` floats apart, and what lies between
 * is zero in the gradient. A flat layer has one pixel. The kernels write four rows at a time: there is room for that.
 */
export interface Values {
  readonly shape: readonly number[]
  readonly pixels: number
  readonly channels: number
  readonly pitch: number
  readonly values: number
  /** `undefined` for the model's input, which needs none, and where nothing is trained. */
  readonly gradient: number | undefined
}

/** Floats from one example to the next. */
export const rowPitch = ({ pixels, pitch }: Values): number => pixels * pitch

/** Floats of `rows` examples. */
export const extent = (values: Values, rows: number): number => rows * values.pixels * values.pitch

/** Buffers for up to `rows` examples of `shape`, whose last side is the channels. */
export function allocateValues(
  machine: Machine,
  shape: readonly number[],
  rows: number,
  withGradient: boolean,
): Values {
  const channels = shape[shape.length - 1]
  const pixels = product(shape) / channels
  const pitch = roundUp(channels, 8)
  const floats = roundUp(rows, 4) * pixels * pitch
  return {
    shape,
    pixels,
    channels,
    pitch,
    values: machine.allocate(floats),
    gradient: withGradient ? machine.allocate(floats) : undefined,
  }
}

/** Byte offsets of rows that are `pitch` bytes apart, filled up to a multiple of four. */
export function rowOffsets(machine: Machine, rows: number, pitch: number): number {
  const count = roundUp(rows, 4)
  const address = machine.allocate(count)
  machine.integers(address, count).forEach((_, i, all) => {
    all[i] = i * pitch
  })
  return address
}
