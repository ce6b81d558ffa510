/** The source of Parquet files: one column of one row group is in memory beside the table, no more. */

import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import * as z from 'zod'
import { sourceOf } from '../../learning/data/feed.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { maxRows } from '../../learning/data/statistics.ts'
import { InputError } from '../../protocol/errors.ts'
import { openFile } from './files.ts'
import { sourceKind } from './kind.ts'
import { placeInRow } from './place.ts'

export function parquetFile(path: string): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* (_, begin) {
    const handle = await openFile(path)
    try {
      const { size } = await handle.stat()
      const file = bufferOf(handle, size)
      const metadata = await readable(path, () => metadataOf(file, path))
      const names = columnNames(metadata)
      const builder = begin({ source: name, names })
      const scan = await readable(path, () => parquetScan({ file, metadata, compressors, useOffsetIndex: false }))
      for (const { rowStart, rowEnd } of scan.ranges) {
        const rows = rowEnd - rowStart
        if (!(rows >= 0 && rows <= maxRows))
          throw new InputError('ERR_DATA_FORMAT', `a row group of ${rows} rows`, path)
        const cells = async (field: number) => {
          const column = await scan.readColumn({ column: names[field], rowStart, rowEnd })
          if (column.length === rows) return column
          throw new InputError('ERR_DATA_FORMAT', `expected ${rows} values of a column, found ${column.length}`, path)
        }
        await builder.addBlock({
          rows,
          cells: (field) => readable(path, () => cells(field)),
          place: (row) => placeInRow(name, rowStart + row + 1),
        })
        yield { bytes: Math.round((size * rowEnd) / Number(metadata.num_rows)), total: size }
      }
    } finally {
      await handle.close()
    }
    return undefined
  })
}

export const parquet = sourceKind({
  options: z.strictObject({ path: z.string().min(1) }),
  paths: ['path'],
  endings: ['.parquet', '.pq'],
  open: ({ path }) => parquetFile(path),
})

/** Every Parquet file begins and ends with these bytes; in between stand its columns, at the end their description. */
const magic = 'PAR1'

async function metadataOf(file: AsyncBuffer, path: string): Promise<FileMetaData> {
  const length = file.byteLength
  const marks = length < 12 ? [] : await Promise.all([file.slice(0, 4), file.slice(length - 4, length)])
  const [first, last] = marks.map((bytes) => Buffer.from(bytes).toString('latin1'))
  if (first !== magic) throw new InputError('ERR_DATA_FORMAT', 'this is no Parquet file', path)
  if (last !== magic) throw new InputError('ERR_DATA_FORMAT', 'the file is truncated; copy it again', path)
  return parquetMetadataAsync(file)
}

const columnNames = (metadata: FileMetaData): string[] =>
  parquetSchema(metadata).children.map(({ element }) => element.name)

/** Broken files ask for bytes that are not there: they get fewer. */
const bufferOf = (handle: FileHandle, byteLength: number): AsyncBuffer => ({
  byteLength,
  slice: (from, to = byteLength) => {
    const [start, end] = [from, to].map((at) => Math.min(Math.max(at, 0), byteLength))
    const bytes = new Uint8Array(Math.max(0, end - start))
    if (bytes.length === 0) return bytes.buffer
    const read = handle.read(bytes, 0, bytes.length, start).then(() => bytes.buffer)
    // The reader asks ahead, and may never look at an answer once another part has failed.
    read.catch(() => undefined)
    return read
  },
})

/** The reader of Parquet throws whatever broken bytes lead it to: what it says is no fault of ours. */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof InputError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError('ERR_DATA_FORMAT', `the Parquet file is broken or not supported: ${reason}`, path)
  }
}
