/** The split port: which rows of one table become the rows of which virtual site. */

import type { Table } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Stream } from '../../protocol/stream.ts'

/** Row indices by site, every row of the table at most once. `sites` is 0 where a study leaves the number to the split. */
export type Split = (table: Table, sites: number, stream: Stream) => readonly SiteRows[]

export interface SiteRows {
  /** `undefined`: a number will do. */
  readonly name?: string
  readonly rows: Uint32Array
}

/** Fewest rows of a site, so that it has something to train on and something to hold out. */
export const fewestRows = 2

/** @throws InputError ERR_PLAN */
export function checkSites(sites: number, rows: number): void {
  if (sites < 1) {
    throw new InputError('ERR_PLAN', 'expected the number of virtual sites', 'simulation.population.sites')
  }
  if (rows < fewestRows * sites) {
    const message = `${rows} rows do not give ${sites} sites ${fewestRows} each; fewer sites, or more rows`
    throw new InputError('ERR_PLAN', message, 'simulation.population.sites')
  }
}

/** Labels as classes: a number's tenths by rank. @throws InputError ERR_PLAN without a label. */
export function classesOf(table: Table): Int32Array {
  if (table.label === undefined) throw new InputError('ERR_PLAN', 'a split by label needs one', 'data.label')
  const { label } = table
  if (table.schema.label?.type !== 'number') return Int32Array.from(label)
  const order = Uint32Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => label[a] - label[b] || a - b)
  const classes = new Int32Array(table.rows)
  for (const [rank, row] of order.entries()) classes[row] = Math.floor((10 * rank) / table.rows)
  return classes
}

/** Sites with fewer than `fewestRows` take the last rows of those that have most. */
export function filledUp(parts: readonly (readonly number[])[]): SiteRows[] {
  const filled = parts.map((rows) => [...rows])
  for (const poor of filled) {
    while (poor.length < fewestRows) {
      const rich = filled.reduce((most, each) => (each.length > most.length ? each : most))
      const row = rich.pop()
      if (row === undefined || rich === poor) break
      poor.push(row)
    }
  }
  return filled.map((rows) => ({ rows: Uint32Array.from(rows).sort() }))
}

/** `total` things in proportion to `weights`, whole numbers that add up (largest remainders). */
export function apportioned(total: number, weights: readonly number[]): number[] {
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const exact = weights.map((weight) => (total * weight) / all)
  const counts = exact.map(Math.floor)
  const order = exact.map((value, i) => ({ i, rest: value - counts[i] })).sort((a, b) => b.rest - a.rest || a.i - b.i)
  const missing = total - counts.reduce((sum, count) => sum + count, 0)
  for (let k = 0; k < missing; k++) counts[order[k % order.length].i]++
  return counts
}
