import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCsv } from '../../../learning/data/csv.ts'
import { CsvParser } from '../../../learning/data/csv-parser.ts'
import { parseMapping } from '../../../learning/data/mapping.ts'
import { TableBuilder } from '../../../learning/data/table-builder.ts'
import { utf8 } from '../../../protocol/bytes.ts'
import { InputError } from '../../../protocol/errors.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const schema = dataSchema.parse({
  columns: [
    { name: 'x', type: 'number', range: [-1e6, 1e20] },
    { name: 'k', type: 'category', categories: ['a', 'long one', '1'], missing: ['-'] },
    { name: 'skip', type: 'ignore' },
    { name: 'n', type: 'number', range: [-100, 100], integer: true },
  ],
  label: { column: 'y', type: 'binary', positive: ['1', 'yes'], negative: ['0'] },
})
const names = ['n', 'y', 'skip', 'x', 'k']

/** Mostly what is plain, now and then what only the parser understands, or nobody does. */
const often = <T>(usual: fc.Arbitrary<T>, ...odd: T[]) =>
  fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const field = {
  n: often(fc.integer({ min: -100, max: 100 }).map(String), '', '7.0', '7.5', '101', '+5', ' 3', '"4"', '-', '1e1'),
  y: often(fc.constantFrom('0', '1', 'yes'), '', '1.0', 'no', '"yes"', ' 0 '),
  skip: often(fc.constantFrom('', 'any', '3'), '"a,b"', '"two\nlines"', 'o"o'),
  x: often(
    fc.oneof(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value.toFixed(3)),
      fc.constantFrom('123456789', '1234567890', '123456789012345678', '.5', '5.', '-0', '0.1234567891'),
    ),
    ...['', '.', '-', '1.2.3', 'oops', '1e400', '?', 'NA'],
  ),
  k: often(fc.constantFrom('a', 'long one', '1'), '', '-', '1.0', 'b', ' a', '"long one"'),
}
const record = fc.tuple(field.n, field.y, field.skip, field.x, field.k).map((cells) => cells.join(','))
const lines = fc.array(often(record, '', '1,2', '0,0,0,0,a,0'), { minLength: 1, maxLength: 30 })

const mapping = parseMapping({ oneClass: true }, schema)

/** Every record through the parser and the readers alone. */
function plainly(text: string): unknown {
  let builder: TableBuilder | undefined
  const parser = new CsvParser('f', ',', (row) => {
    if (builder) builder.add(row)
    else builder = new TableBuilder(schema, mapping, { source: 'f', names })
  })
  return outcome(async () => {
    parser.push(utf8(text))
    parser.end()
    return builder?.finish()
  })
}

async function outcome(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof InputError) return { code: error.code, where: error.where, message: error.message }
    throw error
  }
}

async function* pieces(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = utf8(text)
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length)
}

test('the shortcut gives the table that the parser gives, or its error at the same place', async () => {
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  await fc.assert(
    fc.asyncProperty(lines, ends, fc.integer({ min: 1, max: 200 }), fc.boolean(), async (rows, end, length, ended) => {
      const text = [names.join(','), ...rows].join(end) + (ended ? end : '')
      const read = () => readCsv({ name: 'f', chunks: pieces(text, length) }, { schema, mapping })
      expect(await outcome(read)).toEqual(await plainly(text))
    }),
    { numRuns: 1500, seed: 4 },
  )
})

test('more rows than are gathered at once stay in order, beside records that only the parser reads', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => `${i % 100},${i % 2},,${i}.5,${i % 700 === 0 ? '"a"' : 'a'}`)
  const text = `${[names.join(','), ...rows].join('\n')}\n`
  const { table } = await readCsv({ name: 'f', chunks: pieces(text, 1000) }, { schema, mapping })
  expect(table.columns[0]).toMatchObject({ values: Float64Array.from({ length: 3000 }, (_, i) => i + 0.5) })
  expect(table.label).toEqual(Float32Array.from({ length: 3000 }, (_, i) => i % 2))
})
