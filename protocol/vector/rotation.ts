/**
 * Rotation: a vector's norm is spread evenly over its coordinates, so that few bits hold each of them, and gathered again
 * from the sum. Randomised Hadamard transform, Suresh et al. 2017, "Distributed Mean Estimation with Limited
 * Communication", section 3; in secure sums Kairouz et al. 2021, "The Distributed Discrete Gaussian Mechanism", section 5.
 *
 * The papers pad to a power of two, which may double what is sent. Here the transform runs twice, over the first and over
 * the last 2^m coordinates, 2^m the largest power of two that fits: every coordinate passes at least one of them, nothing
 * is padded, and the product of two orthonormal maps is orthonormal.
 */

import type { Stream } from '../stream.ts'

/** 2^m: over how many coordinates each transform runs. */
export const rotationBlock = (length: number): number => 2 ** Math.floor(Math.log2(length))

/** In place. Equal streams give equal rotations; the norm is kept. */
export function rotate(values: Float64Array, signs: Stream): void {
  const block = rotationBlock(values.length)
  const first = values.subarray(0, block)
  const last = values.subarray(values.length - block)
  flip(first, signs.fork('first'))
  hadamard(first)
  flip(last, signs.fork('last'))
  hadamard(last)
}

/** Undoes `rotate`, in place: both factors are their own inverse. */
export function rotateBack(values: Float64Array, signs: Stream): void {
  const block = rotationBlock(values.length)
  const first = values.subarray(0, block)
  const last = values.subarray(values.length - block)
  hadamard(last)
  flip(last, signs.fork('last'))
  hadamard(first)
  flip(first, signs.fork('first'))
}

/** Every value keeps its sign or changes it, one public bit each. */
function flip(values: Float64Array, signs: Stream): void {
  for (let i = 0; i < values.length; i += 32) {
    let bits = signs.uint32()
    for (let k = i; k < Math.min(i + 32, values.length); k++, bits >>>= 1) if ((bits & 1) === 1) values[k] = -values[k]
  }
}

/**
 * The orthonormal Walsh-Hadamard transform. Additions, and one multiplication by a correctly rounded root: the same bits
 * on every machine.
 */
function hadamard(values: Float64Array): void {
  const n = values.length
  for (let half = 1; half < n; half *= 2) {
    for (let start = 0; start < n; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const a = values[i]
        const b = values[i + half]
        values[i] = a + b
        values[i + half] = a - b
      }
    }
  }
  const scale = 1 / Math.sqrt(n)
  for (let i = 0; i < n; i++) values[i] *= scale
}
