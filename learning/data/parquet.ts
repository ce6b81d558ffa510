/** Reads Parquet files: one column of one row group is in memory beside the table, no more. */

import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { equalBytes, utf8 } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Feed } from './feed.ts'
import { placeInRow } from './place.ts'
import { maxRows } from './statistics.ts'

/** A file whose bytes can be asked for in any order. */
export interface ParquetFile {
  readonly name: string
  /** For messages: the name, or the whole path where a person has one. */
  readonly where: string
  readonly file: AsyncBuffer
}

/** A block is a row group. */
export const parquetFeed = ({ name, where, file }: ParquetFile): Feed =>
  async function* (_, begin) {
    const metadata = await readable(where, () => metadataOf(file, where))
    const names = columnNames(metadata)
    const builder = begin({ source: name, names })
    const scan = await readable(where, () => parquetScan({ file, metadata, compressors, useOffsetIndex: false }))
    for (const { rowStart, rowEnd } of scan.ranges) {
      const rows = rowEnd - rowStart
      if (!(rows >= 0 && rows <= maxRows)) throw new InputError('ERR_DATA_FORMAT', `a row group of ${rows} rows`, where)
      const cells = async (field: number) => {
        const column = await scan.readColumn({ column: names[field], rowStart, rowEnd })
        if (column.length === rows) return column
        throw new InputError('ERR_DATA_FORMAT', `expected ${rows} values of a column, found ${column.length}`, where)
      }
      await builder.addBlock({
        rows,
        cells: (field) => readable(where, () => cells(field)),
        place: (row) => placeInRow(name, rowStart + row + 1),
      })
      const total = file.byteLength
      yield { bytes: Math.round((total * rowEnd) / Number(metadata.num_rows)), total }
    }
    return undefined
  }

/** Broken files ask for bytes that are not there: they get fewer. */
export const withinFile =
  (byteLength: number, read: (start: number, end: number) => Promise<ArrayBuffer>): AsyncBuffer['slice'] =>
  (from, to = byteLength) => {
    const [start, end] = [from, to].map((at) => Math.min(Math.max(at, 0), byteLength))
    if (end <= start) return new ArrayBuffer(0)
    const reading = read(start, end)
    // The reader asks ahead, and may never look at an answer once another part has failed.
    reading.catch(() => undefined)
    return reading
  }

/** Every Parquet file begins and ends with these bytes; in between stand its columns, at the end their description. */
const magic = utf8('PAR1')

async function metadataOf(file: AsyncBuffer, where: string): Promise<FileMetaData> {
  const length = file.byteLength
  const marks = length < 12 ? [] : await Promise.all([file.slice(0, 4), file.slice(length - 4, length)])
  const [first, last] = marks.map((bytes) => equalBytes(new Uint8Array(bytes), magic))
  if (first !== true) throw new InputError('ERR_DATA_FORMAT', 'this is no Parquet file', where)
  if (last !== true) throw new InputError('ERR_DATA_FORMAT', 'the file is truncated; copy it again', where)
  return parquetMetadataAsync(file)
}

const columnNames = (metadata: FileMetaData): string[] =>
  parquetSchema(metadata).children.map(({ element }) => element.name)

/** The reader of Parquet throws whatever broken bytes lead it to: what it says is no fault of ours. */
async function readable<T>(where: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof InputError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError('ERR_DATA_FORMAT', `the Parquet file is broken or not supported: ${reason}`, where)
  }
}
