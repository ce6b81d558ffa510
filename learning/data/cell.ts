/** One value of a source that has types of its own: a Parquet file, a database, a folder of images. */

import type { InputError } from '../../protocol/errors.ts'

/** Pixels are row-major with the channels of a pixel side by side; `null` is the source's own mark for "missing". */
export type Cell = string | number | null | Uint8Array

/** Says where a field stands in its source. */
export interface Place {
  fault(field: number, code: `ERR_${string}`, message: string): InputError
}

/** Some records of a source, column by column. */
export interface CellBlock {
  readonly rows: number
  /** What the source holds of a field, one value a row; asked for once. */
  cells(field: number): Promise<ArrayLike<unknown>>
  /** For messages: the record's number, the image's file. */
  place(row: number): Place
}

/** A value as a cell; `undefined` where it is none: a list, a record. Whole numbers too large for a number stay text. */
export function cellOf(value: unknown): Cell | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isNaN(value) ? null : value
    case 'string':
      return value
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    case 'boolean':
      return String(value)
    case 'undefined':
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined
  }
}

/** The place of one record after the other in a block: one object for them all. */
export class BlockPlace implements Place {
  row = 0
  readonly #block: CellBlock

  constructor(block: CellBlock) {
    this.#block = block
  }

  fault(field: number, code: `ERR_${string}`, message: string): InputError {
    return this.#block.place(this.row).fault(field, code, message)
  }
}
