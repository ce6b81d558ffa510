/** Reads delimited text that arrives in pieces, in memory bounded by the table itself. */

import { utf8 } from '../../protocol/bytes.ts'
import { CsvParser } from './csv-parser.ts'
import { type Feed, sourceOf } from './feed.ts'
import { declaredColumns } from './file-columns.ts'
import { fileFormat, noMapping } from './mapping.ts'
import { PlainRecords } from './plain-records.ts'
import type { Row } from './row.ts'
import type { LoadedTable, TableRequest } from './source.ts'
import type { TableBuilder } from './table-builder.ts'

/** Text in UTF-8, with its name for messages and its size where known. */
export interface CsvText {
  readonly name: string
  readonly chunks: AsyncIterable<string | Uint8Array>
  readonly size?: number
}

/** @throws InputError ERR_CSV_*, ERR_DATA_*: the first fault, as `file:line:column`. */
export const readCsv = (text: CsvText, request: TableRequest): Promise<LoadedTable> =>
  sourceOf(text.name, csvFeed(text)).table(request)

/** The first record may be a header; the others are the rows. */
export const csvFeed = (text: CsvText): Feed =>
  async function* ({ schema, mapping = noMapping }, begin) {
    const { header, delimiter, decimal } = fileFormat(schema, mapping)
    const { name: source, size } = text
    let builder: TableBuilder | undefined
    let plain: PlainRecords | undefined
    const parser = new CsvParser(source, delimiter, (row) => {
      if (builder === undefined) return start(headerNames(row))
      plain?.flush()
      builder.add(row)
    })
    const start = (names: readonly string[]): void => {
      builder = begin({ source, names })
      plain = PlainRecords.of(builder, delimiter, decimal)
      parser.shortcut = plain
    }
    if (!header) start(declaredColumns(schema, mapping))
    let bytes = 0
    for await (const chunk of text.chunks) {
      const piece = typeof chunk === 'string' ? utf8(chunk) : chunk
      parser.push(piece)
      plain?.flush()
      bytes += piece.length
      yield { bytes, ...(size === undefined ? {} : { total: size }) }
    }
    parser.end()
    return undefined
  }

const headerNames = (row: Row): string[] => Array.from({ length: row.fields }, (_, field) => row.text(field))
