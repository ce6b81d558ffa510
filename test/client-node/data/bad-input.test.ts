import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { PNG } from 'pngjs'
import { afterAll, describe, expect, test } from 'vitest'
import { openSource } from '../../../client-node/data/index.ts'
import { postgresQuery } from '../../../client-node/data/postgres.ts'
import { sqliteQuery } from '../../../client-node/data/sqlite.ts'
import { InputError } from '../../../protocol/errors.ts'
import { dataSchema } from '../../../protocol/schema.ts'
import { Stream } from '../../../protocol/stream.ts'
import { writtenParquet, writtenSqlite } from './written.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-bad-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const path = (ending: string) => join(folder, `${files++}${ending}`)

const numbers = dataSchema.parse({ columns: [{ name: 'x', type: 'number', range: [0, 9] }] })
const pictures = dataSchema.parse({ columns: [{ name: 'p', type: 'image', height: 2, width: 2 }] })

async function outcome(ending: string, bytes: Uint8Array, schema = numbers): Promise<string> {
  const file = path(ending)
  writeFileSync(file, bytes)
  try {
    return `${(await (await openSource(file)).table({ schema })).table.rows} rows`
  } catch (error) {
    if (error instanceof InputError) return error.code
    throw error
  }
}

const parquet = (data: unknown[]) =>
  new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'x', data }], rowGroupSize: 3 }))
const whole = parquet([1, 2, 3, 4, 5, 6, 7])
const idx = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8)
const png = PNG.sync.write(new PNG({ width: 9, height: 9 }))

test('what the broken files below are made of is read', async () => {
  expect(await outcome('.parquet', whole)).toBe('7 rows')
  expect(await outcome('.csv.gz', gzipSync('x\n1\n'))).toBe('1 rows')
  expect(await outcome('-images-idx3-ubyte', idx, pictures)).toBe('2 rows')
})

test('a packed file of several megabytes that hardly shrinks is read as it was written', async () => {
  const stream = new Stream('packed')
  const lines = Array.from({ length: 500_000 }, () => stream.uniform())
  const bytes = gzipSync(`x\n${lines.join('\n')}\n`)
  expect(bytes.length).toBeGreaterThan(1.2e6)
  expect(await outcome('.csv.gz', bytes)).toBe('500000 rows')
})

describe.each([
  ['an empty Parquet file', '.parquet', new Uint8Array(0), 'ERR_DATA_FORMAT'],
  ['a Parquet file cut short', '.parquet', whole.subarray(0, whole.length - 9), 'ERR_DATA_FORMAT'],
  ['a Parquet file whose middle is lost', '.parquet', Buffer.concat([whole.subarray(0, 20), whole.subarray(60)]), ''],
  ['text under the name of Parquet', '.parquet', Buffer.from('x\n1\n2\n3\n4\n5\n'), 'ERR_DATA_FORMAT'],
  ['Parquet with lists where numbers are meant', '.parquet', parquet([{ a: 1 }, { a: 2 }]), 'ERR_DATA_TYPE'],
  ['a packed file cut short', '.csv.gz', gzipSync(`x\n${'1\n'.repeat(9999)}`).subarray(0, 30), 'ERR_DATA_FORMAT'],
  ['text under the name of gzip', '.csv.gz', Buffer.from('x\n1\n'), 'ERR_DATA_FORMAT'],
  ['an empty file', '.csv', new Uint8Array(0), 'ERR_DATA_EMPTY'],
])('%s', (_, ending, bytes, code) => {
  test('is refused', async () => {
    expect(await outcome(ending, bytes)).toMatch(code || /^ERR_DATA_/)
  })
})

test.each([
  ['of another magic', Uint8Array.of(1, 2, 3, 4, 5), 'ERR_DATA_FORMAT'],
  ['cut short', idx.subarray(0, idx.length - 1), 'ERR_DATA_FORMAT'],
  ['of floats', Uint8Array.from(idx, (byte, i) => (i === 2 ? 13 : byte)), 'ERR_DATA_FORMAT'],
  ['of labels alone', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7), 'ERR_DATA_FORMAT'],
])('an IDX file %s is refused', async (_, bytes, code) => {
  expect(await outcome('-images-idx3-ubyte', bytes, pictures)).toBe(code)
})

describe('SQLite', () => {
  const records = path('.sqlite')
  writtenSqlite(records, [['x'], ['1'], ['2']])
  const code = (query: string, file = records) =>
    sqliteQuery({ path: file, query })
      .table({ schema: numbers })
      .then(
        () => 'none',
        (error: { code?: string }) => error.code,
      )

  test('a query that does not hold, gives no rows, or would write is refused', async () => {
    expect(await code('select c0 as x from nowhere')).toBe('ERR_SQL')
    expect(await code('select c0 as x from records; drop table records')).toBe('ERR_SQL')
    expect(await code('delete from records')).toBe('ERR_SQL')
    expect(await code('insert into records values (3) returning c0 as x')).toBe('ERR_SQL')
    expect(await code('select c0 as x from records where c0 > 5')).toBe('ERR_DATA_EMPTY')
    expect(await code('select c0 as x from records')).toBe('none')
  })

  test('a file that is no database, or is not there, is named', async () => {
    const text = path('.sqlite')
    writeFileSync(text, 'x\n1\n'.repeat(300))
    expect(await code('select 1 as x', text)).toBe('ERR_SQL')
    expect(await code('select 1 as x', path('.sqlite'))).toBe('ERR_DATA_NOT_FOUND')
  })
})

test('a database that cannot be reached is said without its address and password', async () => {
  const source = postgresQuery({ url: 'postgres://someone:secret@127.0.0.1:1/records', query: 'select 1 as x' })
  const failure = source.table({ schema: numbers })
  await expect(failure).rejects.toMatchObject({ code: 'ERR_DATA_CONNECTION' })
  await expect(failure).rejects.not.toThrow(/secret|someone/)
  const unset = postgresQuery({ urlVariable: 'CONCORDAT_NO_SUCH', query: 'select 1 as x' })
  await expect(unset.table({ schema: numbers })).rejects.toMatchObject({ code: 'ERR_DATA_CONNECTION' })
})

test('a fault in a column names its row, counted over all row groups', async () => {
  const source = writtenParquet(path('.parquet'), [['x'], ...Array.from({ length: 9 }, (_, i) => [String(i * 2)])], 3)
  await expect(source.table({ schema: numbers })).rejects.toMatchObject({
    code: 'ERR_DATA_RANGE',
    where: expect.stringMatching(/: row 6$/),
  })
})

test('an unknown kind is refused with the near one, and so are unknown options', async () => {
  await expect(openSource({ kind: 'parquett', path: 'x' })).rejects.toThrow(/did you mean "parquet"/)
  await expect(openSource({ kind: 'csv', path: 'x', password: 'y' })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
})

describe('any byte of a file may be wrong', () => {
  const damage = (bytes: Uint8Array) =>
    fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const damaged = Uint8Array.from(bytes)
      for (const [at, byte] of changes) damaged[at] = byte
      return damaged
    })

  test.each([
    ['.parquet', whole, numbers],
    ['.csv.gz', new Uint8Array(gzipSync('x\n1\n2\n3\n')), numbers],
    ['-images-idx3-ubyte', idx, pictures],
  ])('%s is read or refused, never a fault of ours', async (ending, bytes, schema) => {
    await fc.assert(
      fc.asyncProperty(damage(bytes), async (damaged) => {
        expect(await outcome(ending, damaged, schema)).toMatch(/^ERR_|rows$/)
      }),
      { numRuns: 150, seed: 4 },
    )
  })

  test('a PNG in a folder likewise', async () => {
    await fc.assert(
      fc.asyncProperty(damage(png), async (damaged) => {
        const inside = path('')
        mkdirSync(inside)
        writeFileSync(join(inside, 'a.png'), damaged)
        const read = (await openSource(inside)).table({ schema: pictures })
        expect(
          await read.then(
            () => 'read',
            (error: unknown) => error instanceof InputError,
          ),
        ).toBeTruthy()
      }),
      { numRuns: 100, seed: 4 },
    )
  })
})
