/** The source of Parquet files at the site: opened, and read at the places that the reader asks for. */

import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import * as z from 'zod'
import { sourceOf } from '../../learning/data/feed.ts'
import { parquetFeed, withinFile } from '../../learning/data/parquet.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { openFile } from './files.ts'
import { sourceKind } from './kind.ts'

export function parquetFile(path: string): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* (request, begin) {
    const handle = await openFile(path)
    try {
      const { size } = await handle.stat()
      const file = { byteLength: size, slice: withinFile(size, (start, end) => readRange(handle, start, end)) }
      yield* parquetFeed({ name, where: path, file })(request, begin)
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

async function readRange(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(end - start)
  await handle.read(bytes, 0, bytes.length, start)
  return bytes.buffer
}
