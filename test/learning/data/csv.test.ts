import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCsv } from '../../../learning/data/csv.ts'
import { CsvParser, maxRecordBytes } from '../../../learning/data/csv-parser.ts'
import { parseMapping } from '../../../learning/data/mapping.ts'
import { utf8 } from '../../../protocol/bytes.ts'
import { dataSchema } from '../../../protocol/schema.ts'

type Delimiter = ',' | ';' | '\t' | '|' | ' '

/** The records as text, with the line of each. */
function parse(chunks: readonly Uint8Array[], delimiter: Delimiter = ','): { cells: string[]; line: number }[] {
  const records: { cells: string[]; line: number }[] = []
  const parser = new CsvParser('f.csv', delimiter, (row) => {
    records.push({ cells: Array.from({ length: row.fields }, (_, i) => row.text(i)), line: row.line })
  })
  for (const chunk of chunks) parser.push(chunk)
  parser.end()
  return records
}

const cellsOf = (text: string, delimiter: Delimiter = ','): string[][] =>
  parse([utf8(text)], delimiter).map(({ cells }) => cells)

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`
const pieces = (bytes: Uint8Array, length: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.slice(i * length, (i + 1) * length))

const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\n', '\r', ' ', '7', '.'), maxLength: 6 })
const table = fc
  .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 5 }))
  .chain(([columns, rows]) =>
    fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
  )

describe('the parser', () => {
  test('what was quoted comes back, with any delimiter, line end and cut into pieces', () => {
    fc.assert(
      fc.property(
        table,
        fc.constantFrom<Delimiter>(',', ';', '\t', '|', ' '),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (rows, delimiter, lineEnd, length, ended) => {
          const text = rows.map((row) => row.map(quoted).join(delimiter)).join(lineEnd) + (ended ? lineEnd : '')
          expect(parse(pieces(utf8(text), length), delimiter).map(({ cells }) => cells)).toEqual(rows)
        },
      ),
    )
  })

  test.each([
    ['blanks around fields do not count', ' a , b\t\n', [['a', 'b']]],
    ['blanks may stand around quotes', '"a" ,b\n', [['a', 'b']]],
    ['a quote inside a field is a letter', '5" pipe,b\n', [['5" pipe', 'b']]],
    [
      'blank lines are read past',
      'a,b\n\n  \r\nc,d\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'empty fields stay',
      ',\n"",\n',
      [
        ['', ''],
        ['', ''],
      ],
    ],
    ['a byte order mark is no part of the first field', '\ufeffa,b', [['a', 'b']]],
  ])('%s', (_, text, expected) => {
    expect(cellsOf(text)).toEqual(expected)
  })

  test('a run of spaces is one delimiter, and spaces around a record are none', () => {
    expect(cellsOf('   1   6  4 \n  2 48 2\n', ' ')).toEqual([
      ['1', '6', '4'],
      ['2', '48', '2'],
    ])
  })

  test('lines are counted through line ends inside quotes and blank lines', () => {
    expect(parse([utf8('"a\nb",1\n\nc,2\r\nd,3')]).map(({ line }) => line)).toEqual([1, 4, 5])
  })

  test.each([
    ['a quote never closed', 'a,b\n"c,d\n', 'ERR_CSV_QUOTE', 'f.csv:2:1'],
    ['letters behind a closing quote', 'a,"b"c\n', 'ERR_CSV_QUOTE', 'f.csv:1:4'],
    ['text that is no UTF-8', Uint8Array.of(97, 44, 0xe9, 10), 'ERR_DATA_ENCODING', 'f.csv:1:3'],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 97, 0), 'ERR_DATA_ENCODING', 'f.csv:1'],
  ])('%s is refused with its place', (_, text, code, where) => {
    const bytes = typeof text === 'string' ? utf8(text) : text
    expect(() => parse([bytes])).toThrow(expect.objectContaining({ code, where }))
  })

  test('memory is bounded: a record that never ends is refused', () => {
    const parser = new CsvParser('f.csv', ',', () => undefined)
    parser.push(utf8('"'))
    const piece = new Uint8Array(maxRecordBytes / 4).fill(97)
    expect(() => {
      for (let i = 0; i < 5; i++) parser.push(piece)
    }).toThrow(expect.objectContaining({ code: 'ERR_CSV_RECORD' }))
  })
})

const schema = dataSchema.parse({
  format: { delimiter: ';' },
  columns: [
    { name: 'x', type: 'number', range: [-1e300, 1e300], missing: ['-9', 'n/a'] },
    { name: 'c', type: 'category', categories: ['1', '2.50', 'a'], missing: ['8'] },
  ],
})

async function* one(text: string) {
  yield text
}
const read = (text: string, mapping: unknown = {}) =>
  readCsv({ name: 'f.csv', chunks: one(text) }, { schema, mapping: parseMapping(mapping, schema) })

async function numbers(cells: readonly string[], mapping: unknown = {}): Promise<number[]> {
  const { table } = await read(`x;c\n${cells.map((x) => `${x};1`).join('\n')}\n`, mapping)
  const [column] = table.columns
  return column.type === 'number' ? [...column.values] : []
}

describe('numbers', () => {
  test('every double comes back to its last bit, however it is written', async () => {
    const written = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }).map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((x) => x.toFixed(5)),
      fc.integer().map((x) => `${x}.0`),
      fc.integer({ min: 1 }).map((x) => `+.${x}`),
      fc.integer().map((x) => `${x}e-3`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 20 }), async (cells) => {
        expect((await numbers(cells)).map((x) => x + 0)).toEqual(
          // A missing code that is a number matches as a number, so `-9.0` is missing too.
          cells.map((x) => (Number(x) === -9 ? Number.NaN : Number(x) + 0)),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('a missing code that is a number covers its other spellings', async () => {
    expect(await numbers(['-9', '-9.0', 'n/a', '?', '', 'NA', '9'])).toEqual([...Array(6).fill(Number.NaN), 9])
  })

  test('decimal commas are read where the site says so, and hinted at where it does not', async () => {
    expect(await numbers(['1,5', '-0,25'], { format: { decimal: ',' } })).toEqual([1.5, -0.25])
    await expect(numbers(['1,5'])).rejects.toThrow(/found "1,5"; for decimal commas set format.decimal/)
  })

  test.each(['1.2.3', '--1', '0x10', 'Infinity', '1e999', '.', '1 2'])('%s is no number', async (text) => {
    await expect(numbers([text])).rejects.toMatchObject({ code: 'ERR_DATA_NUMBER' })
  })
})

describe('categories', () => {
  const codes = async (cells: readonly string[]) => {
    const { table } = await read(`x;c\n${cells.map((c) => `0;${c}`).join('\n')}\n`)
    const [, column] = table.columns
    return column.type === 'category' ? [...column.codes] : []
  }

  test('codes that are numbers match as numbers', async () => {
    expect(await codes(['1', '1.0', '01', '2.5', '"a"', '8.0', '?'])).toEqual([0, 0, 0, 1, 2, -1, -1])
  })

  test('two codes of one value are told apart by their text', async () => {
    const both = dataSchema.parse({ columns: [{ name: 'c', type: 'category', categories: ['250', '250.0'] }] })
    const { table } = await readCsv({ name: 'f', chunks: one('c\n250\n250.0\n') }, { schema: both })
    expect(table.columns[0]).toMatchObject({ codes: Int32Array.of(0, 1) })
    await expect(readCsv({ name: 'f', chunks: one('c\n250.00\n') }, { schema: both })).rejects.toThrow(/found "250.00"/)
  })
})

describe('the whole file', () => {
  test('a record with a field too many or too few is named', async () => {
    await expect(read('x;c\n1;1\n2\n')).rejects.toMatchObject({ code: 'ERR_CSV_FIELDS', where: 'f.csv:3:1' })
    await expect(read('x;c\n1;1;7\n')).rejects.toMatchObject({ code: 'ERR_CSV_FIELDS', where: 'f.csv:2:5' })
  })

  test('an empty file is refused', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'ERR_DATA_EMPTY' })
  })

  test("without a header the order is the plan's, or what the site says", async () => {
    const { table } = await read('a;7\n', { format: { header: false, order: ['c', 'x'] } })
    expect(table.columns).toMatchObject([{ values: Float64Array.of(7) }, { codes: Int32Array.of(2) }])
  })

  test('columns the site lists, or all, are read past', async () => {
    const text = 'id;x;c\n77;1;a\n'
    await expect(read(text)).rejects.toMatchObject({ code: 'ERR_DATA_COLUMN_UNKNOWN' })
    for (const ignore of [['id'], '*']) expect((await read(text, { ignore })).table.rows).toBe(1)
  })

  test('more rows than a piece of a column holds arrive in order', async () => {
    const values = Array.from({ length: 70_000 }, (_, i) => i)
    expect(await numbers(values.map(String))).toEqual(values)
  })
})
