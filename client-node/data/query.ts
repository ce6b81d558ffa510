/** Rows of a database query as blocks of cells. */

import type { CellBlock } from '../../learning/data/cell.ts'
import { placeInRow } from '../../learning/data/place.ts'

/** Rows that are fetched at once. */
export const rowsPerFetch = 4096

/** `first` is the number of the first row, counted from 1. */
export const blockOfRows = (source: string, rows: readonly (readonly unknown[])[], first: number): CellBlock => ({
  rows: rows.length,
  cells: async (field) => rows.map((row) => row[field]),
  place: (row) => placeInRow(source, first + row),
})
