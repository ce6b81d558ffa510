/** A site whose records are larger than its memory: read anew, block by block, for every pass a plan makes over them. */

import { InputError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { DataSource, TableRequest } from '../data/source.ts'
import { checkRows } from '../data/statistics.ts'
import type { Blocks } from '../data/streamed.ts'
import { imageColumns, imageSize } from '../data/table.ts'
import { algorithms } from './index.ts'
import type { Site } from './site.ts'

/** Cells of a block: 4 MiB of them as float64. */
const cellsInBlock = 2 ** 19

/** Why a plan needs all rows in memory, where it does. */
export function wantsTable({ algorithm, model, privacy }: Plan): string | undefined {
  if (model !== undefined && privacy.name !== 'none') {
    return 'private training may draw any row at any step'
  }
  if (algorithms[algorithm.name].wholeTable) return `${algorithm.name} takes each step on all rows at once`
  if (algorithm.earlyStopping !== undefined) return 'early stopping sets rows apart by chance'
  return undefined
}

/** Reads everything once, which checks it and counts the rows. @throws InputError ERR_DATA_STREAMED, and what the source finds. */
export async function openBlocks(source: DataSource, request: TableRequest, plan: Plan): Promise<Blocks> {
  const reason = wantsTable(plan)
  if (reason !== undefined) throw streamedError(reason)
  const images = imageColumns(request.schema).reduce((sum, column) => sum + imageSize(column), 0)
  const size = Math.max(1, Math.floor(cellsInBlock / (request.schema.columns.length + images)))
  let rows = 0
  for await (const block of source.blocks(request, size)) {
    rows += block.rows
    checkRows(rows)
  }
  return { rows, read: () => unchanged(source.blocks(request, size), rows, source.name) }
}

export const streamedSite = (site: Omit<Site, 'table' | 'blocks'>, blocks: Blocks): Site => ({
  ...site,
  blocks,
  get table(): never {
    throw streamedError('this work takes a whole table')
  },
})

const streamedError = (reason: string): InputError =>
  new InputError('ERR_DATA_STREAMED', `${reason}: the records must fit into memory, and here they are streamed`)

/** A run is about the rows that were there when it began: the split counts them. */
async function* unchanged<Table extends { readonly rows: number }>(
  tables: AsyncIterable<Table>,
  rows: number,
  name: string,
): AsyncGenerator<Table> {
  const changed = (found: string): InputError =>
    new InputError('ERR_DATA_CHANGED', `expected ${rows} rows, as there were when the run began; found ${found}`, name)
  let seen = 0
  for await (const table of tables) {
    seen += table.rows
    if (seen > rows) throw changed('more')
    yield table
  }
  if (seen < rows) throw changed(`${seen}`)
}
