/** The MNIST subset that may stand beside the repository: images as numbers from 0 to 1, and their digits. */

import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Examples } from '../learning/engine/trainer.ts'

/** From the repository's root, where benches and tests are started. */
const folder = '../shared/data/mnist-subset/'

export const mnistIsHere = existsSync(folder)

/** `train10k` or `test2k`. */
export function mnist(part: string): Examples {
  const images = gunzipSync(readFileSync(`${folder}${part}-images-idx3-ubyte.gz`)).subarray(16)
  const labels = gunzipSync(readFileSync(`${folder}${part}-labels-idx1-ubyte.gz`)).subarray(8)
  return {
    rows: labels.length,
    features: 784,
    x: Float32Array.from(images, (pixel) => pixel / 255),
    y: Float32Array.from(labels),
  }
}

/** Share of rows whose most probable class is the label. */
export function accuracy(probabilities: Float32Array, y: Float32Array): number {
  const classes = probabilities.length / y.length
  const right = y.filter((label, row) => {
    const scores = probabilities.subarray(row * classes, (row + 1) * classes)
    return scores.indexOf(Math.max(...scores)) === label
  })
  return right.length / y.length
}
