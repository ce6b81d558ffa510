/** Which rows of a site train and which are held out: from the plan's seed and the site's name, so that it can be repeated. */

import { Stream } from '../../protocol/stream.ts'
import type { Table } from './table.ts'

export interface Split {
  /** Row indices in ascending order; together with `heldOut` every row once. */
  readonly training: Uint32Array
  readonly heldOut: Uint32Array
}

/** `holdout` is the share of rows held out, 0 to 0.9; at least one row trains. */
export function splitRows(
  rows: number,
  holdout: number,
  site: { readonly seed: number; readonly name: string },
): Split {
  const order = new Stream(`${site.seed}/split/${site.name}`).permutation(rows)
  const heldOut = Math.min(Math.round(rows * holdout), rows - 1)
  return { training: order.slice(heldOut).sort(), heldOut: order.slice(0, heldOut).sort() }
}

/**
 * The same, person by person: who is held out follows from a patient's key, or from a row's own values, and not from who
 * else is there. So one person more or less changes nothing for the others, which is what noise for a person assumes.
 */
export function splitPeople(
  table: Table,
  holdout: number,
  site: { readonly seed: number; readonly name: string },
): Split {
  const held = new Map<string, boolean>()
  const isHeld = (key: string): boolean => {
    const known = held.get(key) ?? new Stream(`${site.seed}/split/${site.name}/${key}`).uniform() < holdout
    held.set(key, known)
    return known
  }
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row)
  const keys = Array.from(rows, (row) => isHeld(table.patients?.[row] ?? valuesOf(table, row)))
  return { training: rows.filter((row) => !keys[row]), heldOut: rows.filter((row) => keys[row]) }
}

const valuesOf = ({ columns, label }: Table, row: number): string =>
  [...columns.map((column) => (column.type === 'number' ? column.values : column.codes)[row]), label?.[row]].join()
