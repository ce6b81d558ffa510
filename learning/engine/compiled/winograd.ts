/** Convolutions by products in points (see kernels/assembly/winograd.ts): for kernels of 3 or 5 a side, where channels are many. */

import type { Call } from './layer.ts'
import type { Machine } from './machine.ts'
import type { Products, Sliding } from './sliding.ts'
import { roundUp, rowOffsets } from './values.ts'

/** Pairs of the eight points. */
const pairs = 64

/** Floats of tiles and products that are worked on at once, so that they stay in the second-level cache. */
const cachedFloats = 200_000

/** Fewer channels leave nothing to save: the tiles' way into the points and back costs more than the products. */
const fewestChannels = 8

/** Outputs a side of a tile under a kernel of `size` a side. */
export const tileSide = (size: number): number => 9 - size

/** Whether the products of a kernel may be taken in points. */
export const suitsPoints = (size: readonly number[], stride: number, inputs: number, outputs: number): boolean =>
  stride === 1 &&
  size.every((side) => side === 3 || side === 5) &&
  [inputs, outputs].every((channels) => channels >= fewestChannels && channels % 4 === 0)

/** Pixels a side that the tiles of `count` positions reach over. */
export const tiledReach = (count: number, size: number): number => roundUp(count, tileSide(size)) + size - 1

/** `outputs` is the most channels that come out. */
export function pointProducts(machine: Machine, sliding: Sliding, outputs: number): Products {
  const { kernels } = machine
  const { images, inputs, size, counts } = sliding
  const [tall, wide] = [tileSide(size[0]), tileSide(size[1])]
  const [down, across] = [Math.ceil(counts[0] / tall), Math.ceil(counts[1] / wide)]
  const pitch = roundUp(outputs, 8)
  const block = blockOf(down * across * pairs * (inputs + pitch), sliding.capacity)
  const tiles = roundUp(block * down * across, 4)
  const [vPlane, mPlane, uPlane] = [tiles * inputs, tiles * pitch, inputs * pitch].map(planeBytes)
  const [v, m, u] = [vPlane, mPlane, uPlane].map((bytes) => machine.allocate((pairs * bytes) / 4))
  const offsets = rowOffsets(machine, tiles, 4 * inputs)
  const noBias = machine.allocate(pitch)
  const shape = [...counts, tall, wide] as const

  /** Calls for each few of `rows` images from `start` on. */
  const inBlocks = (start: number, rows: number, calls: (first: number, count: number) => Call[]): Call[] =>
    Array.from({ length: Math.ceil(rows / block) }, (_, i) =>
      calls(start + i * block, Math.min(block, rows - i * block)),
    ).flat()

  const sample = (first: number, count: number): Call => {
    const corner = images.address + first * images.image
    const strides = [images.image, images.row, images.pixel] as const
    return () =>
      kernels.sampleTiles(...([corner, ...strides, count, down, across, tall, wide, inputs, v, vPlane] as const))
  }
  const bytes = 4 * counts[0] * counts[1] * pitch

  return {
    multiply: (rows, { kernel, panels, bias, relu, y }) => [
      () => kernels.evaluateKernel(kernel, ...size, inputs, panels, u, uPlane),
      ...inBlocks(0, rows, (first, count) => [
        sample(first, count),
        () =>
          kernels.multiplyPoints(
            ...([v, vPlane, offsets, count * down * across, inputs, u, uPlane, noBias, m, mPlane, panels] as const),
          ),
        () => kernels.collectTiles(m, mPlane, pitch, count, ...shape, bias, relu, y + first * bytes),
      ]),
    ],
    accumulate: ({ first: start, count: rows, kernel, panels, dy, target }) => [
      ...inBlocks(start, rows, (first, count) => [
        sample(first, count),
        () => kernels.evaluateTiles(dy + first * bytes, pitch, count, ...shape, m, mPlane),
        () =>
          kernels.accumulatePoints(
            ...([v, vPlane, offsets, count * down * across, inputs, m, mPlane, u, uPlane, panels] as const),
            first === start ? 0 : 1,
          ),
      ]),
      () => kernels.collectKernel(u, uPlane, ...size, inputs, panels, kernel, target.alpha, target.keepKernel),
    ],
  }
}

/** Planes a power of two apart would share a few sets of the cache: one line more spreads them. */
const planeBytes = (floats: number): number => 4 * floats + 64

const blockOf = (floatsPerImage: number, capacity: number): number =>
  Math.max(1, Math.min(capacity, Math.floor(cachedFloats / floatsPerImage)))
