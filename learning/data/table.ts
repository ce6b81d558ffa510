/** A table of one site: typed columns, missing values marked, rows that never leave the site. */

import type { DataSchema } from '../../protocol/schema.ts'

export interface NumberValues {
  readonly type: 'number'
  readonly name: string
  /** NaN where missing. */
  readonly values: Float64Array
}

export interface CategoryValues {
  readonly type: 'category'
  readonly name: string
  readonly categories: readonly string[]
  /** Index into `categories`; -1 where missing. */
  readonly codes: Int32Array
}

export type ColumnValues = NumberValues | CategoryValues

export interface Table {
  readonly schema: DataSchema
  readonly rows: number
  readonly columns: readonly ColumnValues[]
  /** 0/1 for a binary label, class index for classes, the number itself for regression; absent when the plan has no label. */
  readonly label?: Float32Array
}
