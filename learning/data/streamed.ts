/** What training needs of a table that is larger than memory, from its blocks: the sums, and the prepared rows. */

import type { Lanes } from '../../protocol/algorithm.ts'
import type { Examples } from '../engine/trainer.ts'
import { type Preprocessing, prepare } from './preprocess.ts'
import { checkRows, sumTable } from './statistics.ts'
import type { Table } from './table.ts'

/** A table that is read anew for every pass over it, because it does not fit into memory. */
export interface Blocks {
  readonly rows: number
  /** The rows in order, in tables of whatever sizes. */
  read(): AsyncIterable<Table>
}

/** What `sumTable` gives for all blocks in one table, up to rounding; nothing for no block. @throws InputError ERR_DATA_ROWS */
export async function sumBlocks(blocks: AsyncIterable<Table>, bins: number): Promise<Lanes> {
  const sums: Record<string, Float64Array> = {}
  for await (const block of blocks) {
    for (const [name, values] of Object.entries(sumTable(block, bins))) {
      const before = sums[name]
      sums[name] = Float64Array.from(values, (value, i) => value + (before?.[i] ?? 0))
    }
    checkRows(sums.rows[0])
  }
  return sums
}

/** The blocks' rows ready for a model, as `prepare` makes them of the whole table. */
export async function* prepareBlocks(
  blocks: AsyncIterable<Table>,
  preprocessing: Preprocessing,
): AsyncGenerator<Examples> {
  for await (const block of blocks) yield prepare(block, preprocessing)
}
