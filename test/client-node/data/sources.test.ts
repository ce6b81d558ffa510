import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
