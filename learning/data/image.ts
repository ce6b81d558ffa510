/** Pictures of any size brought to the size and the colours that a plan's image column asks for. */

import type { ImageColumn } from '../../protocol/schema.ts'

/** A decoded picture: bytes row-major, the channels of a pixel side by side; 1 grey, 3 colours, 4 colours and opacity. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3 | 4
  readonly data: Uint8Array
}

/** Bytes that are no picture; its message holds nothing of them. */
export class PictureError extends Error {}

export type ImageShape = Pick<ImageColumn, 'width' | 'height' | 'channels'>

/** Most pixels of a picture that is decoded: 64 million, 256 MB as colours with opacity. */
export const maxPixels = 2 ** 26

/** Grey is the luma of ITU-R BT.601; what is transparent shows white; each new pixel is the mean over its area of the old. */
export function fitImage(picture: Picture, shape: ImageShape): Uint8Array {
  const plane = inColours(picture, shape.channels)
  if (picture.width === shape.width && picture.height === shape.height) return plane
  return resample(plane, picture, shape)
}

function inColours({ width, height, channels, data }: Picture, wanted: 1 | 3): Uint8Array {
  if (channels === wanted) return data
  const plane = new Uint8Array(width * height * wanted)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * channels
    const opacity = channels === 4 ? data[at + 3] / 255 : 1
    const seen = (channel: number): number => 255 - opacity * (255 - data[at + (channels === 1 ? 0 : channel)])
    if (wanted === 1) plane[pixel] = Math.round(0.299 * seen(0) + 0.587 * seen(1) + 0.114 * seen(2))
    else for (let c = 0; c < 3; c++) plane[3 * pixel + c] = Math.round(seen(c))
  }
  return plane
}

function resample(plane: Uint8Array, from: { readonly width: number; readonly height: number }, to: ImageShape) {
  const { width, height, channels } = to
  const rows = spans(from.height, height)
  const columns = spans(from.width, width)
  const fitted = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (const [row, tall] of rows[y]) {
          for (const [column, wide] of columns[x])
            sum += tall * wide * plane[(row * from.width + column) * channels + c]
        }
        fitted[(y * width + x) * channels + c] = Math.round(sum)
      }
    }
  }
  return fitted
}

/** For each of `to` places along a side: the old places it covers and its share of each; the shares sum to 1. */
function spans(from: number, to: number): (readonly [place: number, share: number])[][] {
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [(i * from) / to, ((i + 1) * from) / to]
    const first = Math.floor(start)
    const last = Math.min(from, Math.ceil(end))
    return Array.from({ length: last - first }, (_each, k): [number, number] => {
      const place = first + k
      return [place, (Math.min(end, place + 1) - Math.max(start, place)) / (end - start)]
    })
  })
}
