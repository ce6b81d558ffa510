/** A table as text that is equal exactly where every bit of it is. */

import type { Table } from '../../learning/data/table.ts'

type Numbers = Float64Array | Float32Array | Int32Array | Uint8Array

export function tableText(table: Table, toBase64: (bytes: Uint8Array) => string): string {
  const bits = ({ buffer, byteOffset, byteLength }: Numbers): string =>
    toBase64(new Uint8Array(buffer, byteOffset, byteLength))
  return JSON.stringify({
    rows: table.rows,
    columns: table.columns.map((column) => bits(column.type === 'number' ? column.values : column.codes)),
    images: (table.images ?? []).map(({ pixels }) => bits(pixels)),
    label: table.label && bits(table.label),
  })
}
