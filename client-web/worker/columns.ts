/** A table column by column, as a person looks it over; it stays in the page. */

import type { ColumnValues, Table } from '../../learning/data/table.ts'
import type { ColumnView } from './page-state.ts'

const bins = 12

export const columnViews = ({ columns, rows }: Table): readonly ColumnView[] =>
  columns.map((column) => viewOf(column, rows))

function viewOf(column: ColumnValues, rows: number): ColumnView {
  if (column.type === 'category') {
    const counts = new Array<number>(column.categories.length).fill(0)
    for (const code of column.codes) if (code >= 0) counts[code]++
    const missing = rows === 0 ? 0 : 1 - counts.reduce((sum, count) => sum + count, 0) / rows
    const [first = '', ...rest] = column.categories
    return { name: column.name, kind: 'category', missing, bars: scaled(counts), from: first, to: rest.at(-1) ?? '' }
  }
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let present = 0
  for (const value of column.values) {
    if (Number.isNaN(value)) continue
    present++
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  const counts = new Array<number>(bins).fill(0)
  const width = (most - least) / bins || 1
  for (const value of column.values)
    if (!Number.isNaN(value)) counts[Math.min(bins - 1, Math.floor((value - least) / width))]++
  return {
    name: column.name,
    kind: 'number',
    missing: rows === 0 ? 0 : 1 - present / rows,
    bars: scaled(counts),
    from: present === 0 ? '' : short(least),
    to: present === 0 ? '' : short(most),
  }
}

const scaled = (counts: readonly number[]): number[] => {
  const most = Math.max(1, ...counts)
  return counts.map((count) => count / most)
}

const short = (value: number): string => String(Number(value.toPrecision(4)))
