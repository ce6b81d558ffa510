import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresQuery } from '../../../client-node/data/postgres.ts'
import type { DataSource } from '../../../learning/data/source.ts'
import { dataSchema } from '../../../protocol/schema.ts'
import { dataSourceContract, type Records } from '../../contracts/data-source.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { writtenCsv, writtenGzip, writtenParquet, writtenPostgres, writtenSqlite } from './written.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-sources-'))
let server: PostgresServer
let url = ''

beforeAll(async () => {
  server = await startPostgres()
  url = await server.newDatabase()
}, 60_000)
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

let files = 0
const path = (ending: string) => join(folder, `records-${files++}.${ending}`)

const kinds: Readonly<Record<string, (records: Records) => DataSource | Promise<DataSource>>> = {
  'a CSV file': (records) => writtenCsv(path('csv'), records),
  'a packed CSV file': (records) => writtenGzip(path('csv.gz'), records),
  'a Parquet file': (records) => writtenParquet(path('parquet'), records),
  'an SQLite query': (records) => writtenSqlite(path('sqlite'), records),
  'a PostgreSQL query': (records) => writtenPostgres(url, `records_${files++}`, records),
}

for (const [name, make] of Object.entries(kinds)) dataSourceContract(name, async (records) => make(records))

describe('all kinds', () => {
  const schema = dataSchema.parse({
    columns: [
      { name: 'x', type: 'number', range: [-1e9, 1e9], missing: ['-9'] },
      { name: 'whole', type: 'number', range: [-1000, 1000], integer: true },
      { name: 'code', type: 'category', categories: ['1', '2', '10'] },
      { name: 'word', type: 'category', categories: ['a', 'é', 'long word'] },
    ],
    label: { column: 'y', type: 'class', classes: ['0', '1', 'other'] },
  })
  const number = (of: fc.Arbitrary<number>) => fc.oneof(of.map(String), fc.constant(''))
  const records = fc.array(
    fc.tuple(
      number(fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.constant(-9))),
      number(fc.integer({ min: -1000, max: 1000 })),
      fc.constantFrom('1', '2', '10', ''),
      fc.constantFrom('a', 'é', 'long word', ''),
      fc.constantFrom('0', '1', 'other', ''),
    ),
    { minLength: 1, maxLength: 20 },
  )

  test('give the same table for the same records, or refuse them with the same code', async () => {
    const outcome = (source: DataSource) =>
      source.table({ schema }).then(
        ({ table, summary }) => ({ table, summary }),
        (error: { code?: string }) => error.code,
      )
    await fc.assert(
      fc.asyncProperty(records, async (rows) => {
        const written: Records = [['x', 'whole', 'code', 'word', 'y'], ...rows]
        const expected = await outcome(writtenCsv(path('csv'), written))
        for (const make of Object.values(kinds)) expect(await outcome(await make(written))).toEqual(expected)
      }),
      { numRuns: 20, seed: 4 },
    )
  })
})

describe('PostgreSQL', () => {
  const schema = dataSchema.parse({ columns: [{ name: 'x', type: 'number', range: [0, 100_000] }] })
  const read = (query: string) => postgresQuery({ url, query }).table({ schema })

  test('more rows than one fetch come in order, whole numbers and truth values as in other sources', async () => {
    const { table } = await read('select x::bigint from generate_series(1, 10000) x order by x')
    expect(table.columns).toMatchObject([{ values: Float64Array.from({ length: 10_000 }, (_, i) => i + 1) }])
    const codes = dataSchema.parse({ columns: [{ name: 'c', type: 'category', categories: ['true', 'false', '7'] }] })
    const query = "select * from (values (true::text), ('false'), ('7')) v(c) union all select false::text"
    const loaded = await postgresQuery({ url, query: `select c from (${query}) q` }).table({ schema: codes })
    expect(loaded.table.rows).toBe(4)
  })

  test.each([
    ['a table that is not there', 'select x from nowhere'],
    ['two statements', 'select 1 as x; commit'],
    ['a statement that writes', 'insert into written values (1) returning 1 as x'],
    ['a query that writes', "select nextval('counter') as x"],
    ['a value that cannot be converted', "select 'Smith, John'::int as x"],
  ])('%s is refused by the database', async (_, query) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('create sequence if not exists counter; create table if not exists written (x int)')
    await client.end()
    await expect(read(query)).rejects.toMatchObject({ code: 'ERR_SQL' })
  })
})
