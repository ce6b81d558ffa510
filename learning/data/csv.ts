/** Reads a table from delimited text that arrives in pieces, in memory bounded by the table itself. */

import { utf8 } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import { CsvParser } from './csv-parser.ts'
import { declaredColumns } from './file-columns.ts'
import { fileFormat, type Mapping, noMapping } from './mapping.ts'
import type { Row } from './row.ts'
import type { LoadedTable, TableRequest } from './source.ts'
import { TableBuilder } from './table-builder.ts'

/** Text in UTF-8, with its name for messages and its size where known. */
export interface CsvText {
  readonly name: string
  readonly chunks: AsyncIterable<string | Uint8Array>
  readonly size?: number
}

/** @throws InputError ERR_CSV_*, ERR_DATA_*: the first fault, as `file:line:column`. */
export async function readCsv(text: CsvText, request: TableRequest): Promise<LoadedTable> {
  const records = new Records(text.name, request.schema, request.mapping ?? noMapping)
  let bytes = 0
  for await (const chunk of text.chunks) {
    const piece = typeof chunk === 'string' ? utf8(chunk) : chunk
    records.parser.push(piece)
    bytes += piece.length
    request.progress?.({ bytes, ...(text.size === undefined ? {} : { total: text.size }) })
  }
  records.parser.end()
  return records.finish()
}

/** The first record may be a header; the others build the table. */
class Records {
  readonly parser: CsvParser
  readonly #source: string
  #builder: TableBuilder | undefined

  constructor(source: string, schema: DataSchema, mapping: Mapping) {
    const { header, delimiter } = fileFormat(schema, mapping)
    this.#source = source
    if (!header) this.#builder = new TableBuilder(schema, mapping, { source, names: declaredColumns(schema, mapping) })
    this.parser = new CsvParser(source, delimiter, (row) => {
      if (this.#builder) this.#builder.add(row)
      else this.#builder = new TableBuilder(schema, mapping, { source, names: headerNames(row) })
    })
  }

  finish(): LoadedTable {
    if (this.#builder === undefined) throw new InputError('ERR_DATA_EMPTY', 'the file is empty', this.#source)
    return this.#builder.finish()
  }
}

const headerNames = (row: Row): string[] => Array.from({ length: row.fields }, (_, field) => row.text(field))
