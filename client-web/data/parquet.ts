/** Parquet files; their reader is fetched when the first is opened. */

import { sourceOf } from '../../learning/data/feed.ts'
import { endsIn, type SourceKind } from './kind.ts'

export const parquet: SourceKind = {
  takes: (picked) => endsIn(picked, ['.parquet', '.pq']),
  open: async ({ name, files: [{ file }] }) => {
    const { parquetFeed, withinFile } = await import('../../learning/data/parquet.ts')
    const slice = withinFile(file.size, (start, end) => file.slice(start, end).arrayBuffer())
    return sourceOf(name, parquetFeed({ name, where: name, file: { byteLength: file.size, slice } }))
  },
}
