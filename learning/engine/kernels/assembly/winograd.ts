/**
 * Convolutions by fewer multiplications: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks". A tile
 * of 8 x 8 pixels gives 9 - r outputs a side under a kernel of r (3 or 5): kernel and outputs are polynomials in eight
 * points, and in each of the 64 pairs of points a convolution is a matrix product over tiles. Four channels are worked on
 * at once, so there is a multiple of four. `plane` is the bytes from pair to pair.
 */

import { collect, evaluate, points, sample } from './points'
import { accumulate, multiply } from './products'
import { madd } from './vector'

const side: usize = 16 * points

/** Vectors of a tile between the passes over rows and columns, and before or after them. */
const between: usize = memory.data(1024, 16)
const tile: usize = memory.data(1024, 16)

/** Tiles of padded images, `tall` by `wide` outputs each, in the points. `v` holds a row of channels a tile. */
export function sampleTiles(
  x: usize,
  image: usize,
  row: usize,
  pixel: usize,
  images: i32,
  down: i32,
  across: i32,
  tall: i32,
  wide: i32,
  channels: i32,
  v: usize,
  plane: usize,
): void {
  for (let i = 0; i < images; i++) {
    for (let ty = 0; ty < down; ty++) {
      for (let tx = 0; tx < across; tx++) {
        const corner = x + i * image + ty * tall * row + tx * wide * pixel
        for (let c = 0; c < channels; c += 4) {
          sample(corner + c * 4, pixel, row, between, 16, side)
          sample(between, side, 16, v, plane * points, plane)
          v += 16
        }
      }
    }
  }
}

/** Outputs of the tiles from the products `m` of `pitch` floats a tile, with bias, then max(0, .) if `relu`. */
export function collectTiles(
  m: usize,
  plane: usize,
  pitch: i32,
  images: i32,
  height: i32,
  width: i32,
  tall: i32,
  wide: i32,
  bias: usize,
  relu: bool,
  y: usize,
): void {
  const floor = f32x4.splat(relu ? 0 : -Infinity)
  const pixel = <usize>pitch * 4
  const row = <usize>width * pixel
  for (let i = 0; i < images; i++) {
    for (let top = 0; top < height; top += tall) {
      for (let left = 0; left < width; left += wide) {
        const rows = min(tall, height - top)
        const columns = min(wide, width - left)
        for (let c: usize = 0; c < pixel; c += 16) {
          collect(tall, points, m, plane * points, plane, between, side, 16)
          collect(wide, rows, between, 16, side, tile, 16, side)
          const level = v128.load(bias + c)
          let to = y + top * row + left * pixel + c
          for (let r = 0; r < rows; r++) {
            for (let s = 0; s < columns; s++) {
              const value = f32x4.add(v128.load(tile + r * side + s * 16), level)
              v128.store(to + s * pixel, f32x4.pmax(value, floor))
            }
            to += row
          }
          m += 16
        }
      }
    }
    y += height * row
  }
}

/** Gradients of the outputs in the points, zero past the image's edge: what `collectTiles` collected, taken apart. */
export function evaluateTiles(
  dy: usize,
  pitch: i32,
  images: i32,
  height: i32,
  width: i32,
  tall: i32,
  wide: i32,
  dm: usize,
  plane: usize,
): void {
  const pixel = <usize>pitch * 4
  const row = <usize>width * pixel
  for (let i = 0; i < images; i++) {
    for (let top = 0; top < height; top += tall) {
      for (let left = 0; left < width; left += wide) {
        const inside = top + tall <= height && left + wide <= width
        for (let c: usize = 0; c < pixel; c += 16) {
          const corner = dy + top * row + left * pixel + c
          if (inside) evaluate(wide, tall, corner, pixel, row, between, 16, side)
          else {
            for (let r = 0; r < tall; r++) {
              for (let s = 0; s < wide; s++) {
                const there = top + r < height && left + s < width
                v128.store(tile + r * side + s * 16, there ? v128.load(corner + r * row + s * pixel) : f32x4.splat(0))
              }
            }
            evaluate(wide, tall, tile, 16, side, between, 16, side)
          }
          evaluate(tall, points, between, side, 16, dm, plane * points, plane)
          dm += 16
        }
      }
    }
    dy += height * row
  }
}

/** A kernel in panels over [tall, wide, inputs] to one in panels over its inputs in each pair of points. */
export function evaluateKernel(w: usize, tall: i32, wide: i32, inputs: i32, panels: i32, u: usize, plane: usize): void {
  const next = <usize>inputs * 32
  for (let j = 0; j < panels; j++) {
    for (let c: usize = 0; c < next; c += 16) {
      const corner = w + j * tall * wide * next + c
      evaluate(wide, tall, corner, next, wide * next, between, 16, side)
      evaluate(tall, points, between, side, 16, u + j * next + c, plane * points, plane)
    }
  }
}

/** w = beta w + alpha times the kernel's gradient, from its gradient in the points. */
export function collectKernel(
  du: usize,
  plane: usize,
  tall: i32,
  wide: i32,
  inputs: i32,
  panels: i32,
  w: usize,
  alpha: f32,
  beta: f32,
): void {
  const next = <usize>inputs * 32
  for (let j = 0; j < panels; j++) {
    for (let c: usize = 0; c < next; c += 16) {
      collect(tall, points, du + j * next + c, plane * points, plane, between, side, 16)
      collect(wide, tall, between, 16, side, tile, 16, side)
      for (let r = 0; r < tall; r++) {
        for (let s = 0; s < wide; s++) {
          const to = w + (j * tall * wide + r * wide + s) * next + c
          const kept = beta === 0 ? f32x4.splat(0) : f32x4.mul(v128.load(to), f32x4.splat(beta))
          v128.store(to, madd(v128.load(tile + r * side + s * 16), f32x4.splat(alpha), kept))
        }
      }
    }
  }
}

/** The products of tiles and kernel in every pair of points. `offsets` are those of the rows of v, filled up to a multiple of four. */
export function multiplyPoints(
  v: usize,
  vPlane: usize,
  offsets: usize,
  tiles: i32,
  inputs: i32,
  u: usize,
  uPlane: usize,
  bias: usize,
  m: usize,
  mPlane: usize,
  panels: i32,
): void {
  for (let p = 0; p < points * points; p++) {
    multiply(v, offsets, tiles, 1, inputs, 0, u, inputs * 32, bias, m, panels * 32, panels, tiles, false, false)
    v += vPlane
    u += uPlane
    m += mPlane
  }
}

/** du = beta du + v^T dm in every pair of points. */
export function accumulatePoints(
  v: usize,
  vPlane: usize,
  offsets: usize,
  tiles: i32,
  inputs: i32,
  dm: usize,
  mPlane: usize,
  du: usize,
  uPlane: usize,
  panels: i32,
  beta: f32,
): void {
  for (let p = 0; p < points * points; p++) {
    accumulate(v, offsets, tiles, 1, inputs, 0, dm, panels * 32, du, panels, tiles, 1, beta)
    v += vPlane
    dm += mPlane
    du += uPlane
  }
}
