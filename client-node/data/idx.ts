/**
 * The source of IDX files, the format of MNIST: one file with the images, one with their labels, packed or not.
 * LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "file format".
 */

import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import { sourceOf } from '../../learning/data/feed.ts'
import { fitImage } from '../../learning/data/image.ts'
import { imageColumn } from '../../learning/data/image-folder.ts'
import { placeInRow } from '../../learning/data/place.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import { wholeFile } from './files.ts'
import { sourceKind } from './kind.ts'

const options = z.strictObject({
  path: z.string().min(1),
  /** The file with the labels; by default the one whose name says `labels-idx1` where this one says `images-idx3`. */
  labels: z.string().min(1).optional(),
})

const rowsPerBlock = 1024
/** Unsigned bytes, the only type that images and labels come in. */
const bytesType = 8

export function idxFiles({ path, labels = labelsBeside(path) }: z.infer<typeof options>): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* ({ schema }, begin) {
    const column = imageColumn(schema, name)
    const images = await readIdx(path, [3, 4])
    const [count, height, width, channels = 1] = images.sides
    if (channels !== 1 && channels !== 3) {
      throw new InputError('ERR_DATA_FORMAT', `expected images of 1 or 3 channels, found ${channels}`, path)
    }
    const label = schema.label?.column
    const classes = label === undefined ? undefined : (await readLabels(labels, count)).data
    const size = height * width * channels
    const builder = begin({ source: name, names: label === undefined ? [column.name] : [column.name, label] })
    const imageAt = (row: number): Uint8Array => {
      const data = images.data.subarray(row * size, (row + 1) * size)
      return fitImage({ width, height, channels, data }, column)
    }
    for (let first = 0; first < count; first += rowsPerBlock) {
      const rows = Math.min(rowsPerBlock, count - first)
      await builder.addBlock({
        rows,
        cells: async (field) =>
          field === 0 || classes === undefined
            ? Array.from({ length: rows }, (_, i) => imageAt(first + i))
            : classes.subarray(first, first + rows),
        place: (row) => placeInRow(name, first + row + 1),
      })
      yield { bytes: (first + rows) * size, total: images.data.length }
    }
    return undefined
  })
}

export const idx = sourceKind({
  options,
  paths: ['path', 'labels'],
  endings: ['-ubyte', '-ubyte.gz', '.idx', '.idx.gz'],
  open: idxFiles,
})

const labelsBeside = (path: string): string =>
  join(
    dirname(path),
    basename(path)
      .replace('images', 'labels')
      .replace(/idx[34]/, 'idx1'),
  )

interface Idx {
  readonly sides: readonly number[]
  readonly data: Uint8Array
}

/** @throws InputError ERR_DATA_FORMAT where the bytes are not as many unsigned ones as the header says. */
async function readIdx(path: string, dimensions: readonly number[]): Promise<Idx> {
  const bytes = await wholeFile(path)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const broken = (message: string) => new InputError('ERR_DATA_FORMAT', message, path)
  if (bytes.length < 4 || view.getUint16(0) !== 0) throw broken('this is no IDX file')
  const [type, sideCount] = [bytes[2], bytes[3]]
  if (type !== bytesType) throw broken(`expected unsigned bytes (type 8), found type ${type}`)
  if (!dimensions.includes(sideCount)) {
    throw broken(`expected ${dimensions.join(' or ')} dimensions, found ${sideCount}`)
  }
  const header = 4 + 4 * sideCount
  if (bytes.length < header) throw broken('the file is truncated; copy it again')
  const sides = Array.from({ length: sideCount }, (_, i) => view.getUint32(4 + 4 * i))
  const expected = header + sides.reduce((size, side) => size * side, 1)
  if (bytes.length !== expected) {
    throw broken(`the header promises ${expected} bytes, the file has ${bytes.length}; copy it again`)
  }
  return { sides, data: bytes.subarray(header) }
}

async function readLabels(path: string, count: number): Promise<Idx> {
  const labels = await readIdx(path, [1])
  if (labels.sides[0] === count) return labels
  throw new InputError('ERR_DATA_FORMAT', `expected ${count} labels, as many as images; found ${labels.sides[0]}`, path)
}
