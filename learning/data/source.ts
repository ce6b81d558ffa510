/** The data source port: where a site's table comes from. A shell opens the file, the database or the folder. */

import type { DataSchema } from '../../protocol/schema.ts'
import type { Mapping } from './mapping.ts'
import type { Survey } from './survey.ts'
import type { Table } from './table.ts'

export interface TableRequest {
  readonly schema: DataSchema
  /** What the site says about its own data; absent where the data is as the plan says. */
  readonly mapping?: Mapping
  readonly progress?: (progress: ReadProgress) => void
}

export interface ReadProgress {
  readonly bytes: number
  /** Absent where the source does not know its size. */
  readonly total?: number
}

/** What a person at the site is told of the table; it never leaves the site. */
export interface TableSummary {
  readonly rows: number
  /** Rows left out because their label is missing. */
  readonly skipped: number
  /** Missing values by column. */
  readonly missing: Readonly<Record<string, number>>
}

export interface LoadedTable {
  readonly table: Table
  readonly summary: TableSummary
}

export interface DataSource {
  /** For messages: the file's name, the query. */
  readonly name: string
  /** Reads and checks everything. @throws InputError ERR_DATA_*, ERR_CSV_*: what does not fit, with its place. */
  table(request: TableRequest): Promise<LoadedTable>
  /** The same rows in tables of `rows` rows, the last one shorter: for what is larger than memory. */
  blocks(request: TableRequest, rows: number): AsyncIterable<Table>
  /** Reads as `table` does, and gathers what does not fit instead of stopping at the first. */
  survey(request: TableRequest): Promise<Survey>
}
