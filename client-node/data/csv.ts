/** The source of delimited text: a CSV file at the site, also packed with gzip, streamed into a table. */

import { basename } from 'node:path'
import { createGunzip } from 'node:zlib'
import * as z from 'zod'
import { csvFeed } from '../../learning/data/csv.ts'
import { sourceOf } from '../../learning/data/feed.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { chunksOf, isPacked, openFile, packedError } from './files.ts'
import { sourceKind } from './kind.ts'

export function csvFile(path: string): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* (request, begin) {
    const file = await openFile(path)
    try {
      if (isPacked(path)) {
        // Unpacking reads ahead: its pieces must not share the one buffer.
        const chunks = file.createReadStream({ autoClose: false }).pipe(createGunzip())
        yield* csvFeed({ name, chunks })(request, begin)
      } else {
        const { size } = await file.stat()
        yield* csvFeed({ name, chunks: chunksOf(file), size })(request, begin)
      }
    } catch (error) {
      throw packedError(error, path)
    } finally {
      await file.close()
    }
    return undefined
  })
}

export const csv = sourceKind({
  options: z.strictObject({ path: z.string().min(1) }),
  paths: ['path'],
  endings: ['.csv', '.csv.gz', '.tsv', '.tsv.gz', '.txt', '.txt.gz', '.data', '.data.gz'],
  open: ({ path }) => csvFile(path),
})
