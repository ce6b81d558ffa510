/** Delimited text, also packed with gzip, streamed into a table. */

import { csvFeed } from '../../learning/data/csv.ts'
import { sourceOf } from '../../learning/data/feed.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import type { SourceKind } from './kind.ts'

export const csv: SourceKind = {
  takes: ({ files }) => files.length === 1,
  open: async ({ name, files: [{ file }] }) => csvFile(name, file),
}

function csvFile(name: string, file: File): DataSource {
  return sourceOf(name, async function* (request, begin) {
    if (!name.toLowerCase().endsWith('.gz'))
      return yield* csvFeed({ name, chunks: chunksOf(file.stream()), size: file.size })(request, begin)
    const unpacked = unpackedChunks(name, file.stream().pipeThrough(new DecompressionStream('gzip')))
    return yield* csvFeed({ name, chunks: unpacked })(request, begin)
  })
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    yield value
  }
}

/** @throws InputError ERR_DATA_FORMAT where the packing is broken. */
async function* unpackedChunks(name: string, stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new InputError('ERR_DATA_FORMAT', 'the gzip file is truncated or broken; copy it again', name)
    })
    if (done) return
    yield value
  }
}
