/** Virtual sites: one table in memory that all threads share, and for each site the stretch of rows that is its own. */

import { joinTables, type Table } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'

export interface VirtualSite {
  readonly name: string
  /** Its rows of the table: from the first to before the second. */
  readonly rows: readonly [number, number]
}

export interface Population {
  readonly table: Table
  readonly sites: readonly VirtualSite[]
  /** Rows of the table that no site has: agreed upon for judging, or the coordinator's own. Its index follows the sites'. */
  readonly common?: VirtualSite
}

export interface NamedTable {
  readonly name: string
  readonly table: Table
}

/** @throws InputError ERR_SIMULATION_DATA where there is no site. */
export function populationOf(sites: readonly NamedTable[], common?: Table): Population {
  const [first, ...others] = [...sites.map(({ table }) => table), ...(common ? [common] : [])]
  if (first === undefined) throw new InputError('ERR_SIMULATION_DATA', 'expected at least one site', 'simulation')
  let start = 0
  const placed = ({ name, table: { rows } }: NamedTable): VirtualSite => {
    const range = [start, start + rows] as const
    start += rows
    return { name, rows: range }
  }
  return {
    table: shared(joinTables([first, ...others])),
    sites: sites.map(placed),
    ...(common ? { common: placed({ name: 'common', table: common }) } : {}),
  }
}

/** The table in memory that threads share: handing it to a worker copies nothing. */
export function shared(table: Table): Table {
  return {
    ...table,
    columns: table.columns.map((column) =>
      column.type === 'number'
        ? { ...column, values: inShared(column.values, (memory) => new Float64Array(memory)) }
        : { ...column, codes: inShared(column.codes, (memory) => new Int32Array(memory)) },
    ),
    ...(table.images
      ? {
          images: table.images.map((image) => ({
            ...image,
            pixels: inShared(image.pixels, (memory) => new Uint8Array(memory)),
          })),
        }
      : {}),
    ...(table.label ? { label: inShared(table.label, (memory) => new Float32Array(memory)) } : {}),
  }
}

/** Bytes the table takes. */
export function tableBytes(table: Table): number {
  const columns = table.columns.reduce(
    (sum, column) => sum + (column.type === 'number' ? column.values : column.codes).byteLength,
    table.label?.byteLength ?? 0,
  )
  return (table.images ?? []).reduce((sum, { pixels }) => sum + pixels.byteLength, columns)
}

function inShared<T extends { readonly byteLength: number; set(values: T): void }>(
  values: T,
  view: (memory: SharedArrayBuffer) => T,
): T {
  const copy = view(new SharedArrayBuffer(values.byteLength))
  copy.set(values)
  return copy
}
