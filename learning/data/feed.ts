/** A source's records on their way into tables: all in one, or block by block where they are larger than memory. */

import { InputError } from '../../protocol/errors.ts'
import { type FileColumns, matchColumns } from './file-columns.ts'
import { noMapping } from './mapping.ts'
import { Misfits } from './misfits.ts'
import type { DataSource, ReadProgress, TableRequest } from './source.ts'
import { maxRows } from './statistics.ts'
import { type Survey, withoutColumns } from './survey.ts'
import { joinTables, sliceTable, type Table } from './table.ts'
import { TableBuilder } from './table-builder.ts'

/** Begins once the source's columns are known, then fills the builder, resting whenever some records have been added. */
export type Feed = (
  request: TableRequest,
  begin: (file: FileColumns) => TableBuilder,
) => AsyncIterable<ReadProgress, undefined>

export const sourceOf = (name: string, feed: Feed): DataSource => ({
  name,
  async table(request) {
    const filling = new Filling(name, request)
    for await (const progress of feed(request, filling.begin)) {
      filling.reserve(progress)
      request.progress?.(progress)
    }
    return filling.builder().finish()
  },
  async *blocks(request, rows) {
    const filling = new Filling(name, request)
    let rest: Table | undefined
    for await (const progress of feed(request, filling.begin)) {
      request.progress?.(progress)
      if ((rest?.rows ?? 0) + filling.rows < rows) continue
      rest = joined(rest, filling.builder().take())
      for (; rest.rows >= rows; rest = sliceTable(rest, rows, rest.rows)) yield sliceTable(rest, 0, rows)
    }
    filling.builder().check()
    rest = joined(rest, filling.builder().take())
    if (rest.rows > 0) yield rest
  },
  survey: (request) => survey(feed, request),
})

/** The very readers of the table look at every value; what they read is let go. */
async function survey(feed: Feed, request: TableRequest): Promise<Survey> {
  const { schema, mapping = noMapping } = request
  const misfits = new Misfits()
  let seen: Pick<Survey, 'names' | 'absent' | 'unknown'> = { names: [], absent: [], unknown: [] }
  let builder: TableBuilder | undefined
  const begin = (file: FileColumns): TableBuilder => {
    seen = { ...seen, names: file.names }
    const { absent, unknown } = matchColumns(schema, mapping, file)
    seen = { names: file.names, absent, unknown }
    builder = new TableBuilder(withoutColumns(schema, absent), { ...mapping, ignore: '*' }, file, misfits)
    return builder
  }
  const found = (fault: Survey['fault']): Survey => ({ ...seen, misfits: misfits.list(), fault })
  try {
    for await (const progress of feed(request, begin)) {
      builder?.take()
      request.progress?.(progress)
    }
    builder?.check()
    return found(undefined)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return found({ code: error.code, reason: error.message })
  }
}

class Filling {
  readonly #name: string
  readonly #request: TableRequest
  #builder: TableBuilder | undefined
  #reserved = false

  constructor(name: string, request: TableRequest) {
    this.#name = name
    this.#request = request
  }

  readonly begin = (file: FileColumns): TableBuilder => {
    const { schema, mapping = noMapping } = this.#request
    this.#builder = new TableBuilder(schema, mapping, file)
    return this.#builder
  }

  /** Makes room for the whole, judged by its first part, so that the columns need not move while they grow. */
  reserve({ bytes, total }: ReadProgress): void {
    if (this.#reserved || total === undefined || this.rows === 0) return
    this.#reserved = true
    this.#builder?.reserve(Math.min(maxRows, Math.ceil((1.02 * this.rows * total) / bytes)))
  }

  get rows(): number {
    return this.#builder?.rows ?? 0
  }

  /** @throws InputError ERR_DATA_EMPTY where not even the columns came. */
  builder(): TableBuilder {
    if (this.#builder === undefined) throw new InputError('ERR_DATA_EMPTY', 'the file is empty', this.#name)
    return this.#builder
  }
}

const joined = (rest: Table | undefined, next: Table): Table =>
  rest === undefined || rest.rows === 0 ? next : joinTables([rest, next])
