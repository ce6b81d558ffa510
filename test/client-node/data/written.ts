/** The same records written for every kind of source: numbers as numbers where a column holds nothing else. */

import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { parquetWriteBuffer } from 'hyparquet-writer'
import pg from 'pg'
import { csvFile } from '../../../client-node/data/csv.ts'
import { parquetFile } from '../../../client-node/data/parquet.ts'
import { postgresQuery } from '../../../client-node/data/postgres.ts'
import { sqliteQuery } from '../../../client-node/data/sqlite.ts'
import type { DataSource } from '../../../learning/data/source.ts'
import type { Records } from '../../contracts/data-source.ts'

const csvText = (records: Records): string => records.map((row) => row.join(',')).join('\n')

export function writtenCsv(path: string, records: Records): DataSource {
  writeFileSync(path, csvText(records))
  return csvFile(path)
}

export function writtenGzip(path: string, records: Records): DataSource {
  writeFileSync(path, gzipSync(csvText(records)))
  return csvFile(path)
}

export function writtenParquet(path: string, records: Records, rowGroupSize = 4): DataSource {
  const columnData = columnsOf(records).map(({ name, numeric, cells }) => ({
    name,
    data: [...cells],
    type: numeric ? ('DOUBLE' as const) : ('STRING' as const),
    nullable: true,
  }))
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize })))
  return parquetFile(path)
}

export function writtenSqlite(path: string, records: Records): DataSource {
  const columns = columnsOf(records)
  const database = new Database(path)
  database.exec(`create table records (${columns.map((column, i) => `c${i} ${column.numeric ? 'real' : 'text'}`)})`)
  const insert = database.prepare(`insert into records values (${columns.map(() => '?')})`)
  for (let row = 0; row < records.length - 1; row++) insert.run(columns.map(({ cells }) => cells[row]))
  database.close()
  return sqliteQuery({ path, query: `select ${named(columns)} from records order by rowid` })
}

export async function writtenPostgres(url: string, table: string, records: Records): Promise<DataSource> {
  const columns = columnsOf(records)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const types = columns.map((column, i) => `c${i} ${column.numeric ? 'double precision' : 'text'}`)
  await client.query(`create table ${table} (place serial, ${types})`)
  for (let row = 0; row < records.length - 1; row++) {
    const values = columns.map((_, i) => `$${i + 1}`)
    const names = columns.map((_, i) => `c${i}`)
    await client.query(
      `insert into ${table} (${names}) values (${values})`,
      columns.map(({ cells }) => cells[row]),
    )
  }
  await client.end()
  return postgresQuery({ url, query: `select ${named(columns)} from ${table} order by place` })
}

interface Written {
  readonly name: string
  readonly numeric: boolean
  readonly cells: readonly (number | string | null)[]
}

const columnsOf = ([names, ...rows]: Records): Written[] =>
  names.map((name, i) => {
    const texts = rows.map((row) => row[i])
    const numeric = texts.length > 0 && texts.every((text) => text === '' || Number.isFinite(Number(text)))
    const cells = texts.map((text) => (text === '' ? null : numeric ? Number(text) : text))
    return { name, numeric, cells }
  })

const named = (columns: readonly Written[]) => columns.map(({ name }, i) => `c${i} as "${name}"`).join(', ')
