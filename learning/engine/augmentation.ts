/** Images moved and mirrored by chance before a step, the same in every engine: more pictures of the same thing. */

import type { Stream } from '../../protocol/stream.ts'

export interface Augmentation {
  /** Pixels an image may move up, down and sideways; what comes in is zero (a random crop of the padded image). */
  readonly shift: number
  /** Whether half of the images are mirrored, left to right. */
  readonly flip: boolean
}

/** Changes the images of a batch in place; `shape` is [height, width, channels]. */
export function augment(
  x: Float32Array,
  shape: readonly number[],
  { shift, flip }: Augmentation,
  stream: Stream,
): void {
  const [height, width, channels] = shape
  const size = height * width * channels
  const before = new Float32Array(size)
  for (let start = 0; start < x.length; start += size) {
    const down = stream.below(2 * shift + 1) - shift
    const right = stream.below(2 * shift + 1) - shift
    const mirrored = flip && stream.below(2) === 1
    if (down === 0 && right === 0 && !mirrored) continue
    const image = x.subarray(start, start + size)
    before.set(image)
    image.fill(0)
    for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
      for (let column = Math.max(0, right); column < Math.min(width, width + right); column++) {
        const from = mirrored ? width - 1 - (column - right) : column - right
        const [to, at] = [(row * width + column) * channels, ((row - down) * width + from) * channels]
        for (let c = 0; c < channels; c++) image[to + c] = before[at + c]
      }
    }
  }
}
