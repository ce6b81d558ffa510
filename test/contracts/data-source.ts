/** What every data source must keep: hand the suite a way to make a source that holds the given records. */

import { describe, expect, test } from 'vitest'
import { parseMapping } from '../../learning/data/mapping.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { joinTables, type Table } from '../../learning/data/table.ts'
import { dataSchema } from '../../protocol/schema.ts'

/** Records as text under column names; the first row names the columns. */
export type Records = readonly (readonly string[])[]

const schema = dataSchema.parse({
  columns: [
    { name: 'age', type: 'number', unit: 'years', range: [0, 120], integer: true },
    { name: 'weight', type: 'number', unit: 'kg', range: [1, 400] },
    { name: 'stage', type: 'category', categories: ['1', '2', 'unknown'] },
  ],
  label: { column: 'ill', type: 'binary', positive: ['yes'], negative: ['no'] },
})

const header = ['age', 'weight', 'stage', 'ill']
const two: Records = [header, ['50', '70.5', '1', 'yes'], ['61', '', 'unknown', 'no']]

const sizes = (rows: number, size: number): number[] =>
  Array.from({ length: Math.ceil(rows / size) }, (_, i) => Math.min(size, rows - i * size))

export function dataSourceContract(name: string, make: (records: Records) => Promise<DataSource>): void {
  const read = async (records: Records, mapping: unknown = {}) =>
    (await make(records)).table({ schema, mapping: parseMapping(mapping, schema) })
  const failure = async (records: Records, mapping: unknown = {}) =>
    read(records, mapping).then(
      () => 'no error',
      (error: { code?: string }) => error.code,
    )

  describe(`${name} keeps the contract of a data source`, () => {
    test("values come typed, in the plan's order, with missing ones marked", async () => {
      const { table } = await read(two)
      expect(table.rows).toBe(2)
      expect(table.columns).toEqual([
        { type: 'number', name: 'age', values: Float64Array.of(50, 61) },
        { type: 'number', name: 'weight', values: Float64Array.of(70.5, Number.NaN) },
        { type: 'category', name: 'stage', categories: ['1', '2', 'unknown'], codes: Int32Array.of(0, 2) },
      ])
      expect(table.label).toEqual(Float32Array.of(1, 0))
    })

    test('blocks of any size are the same rows', async () => {
      const source = await make([
        header,
        ...Array.from({ length: 11 }, (_, i) => ['50', `${i + 1}`, '1', i % 2 ? 'yes' : 'no']),
      ])
      const { table } = await source.table({ schema })
      for (const size of [1, 3, 11, 50]) {
        const blocks: Table[] = []
        for await (const block of source.blocks({ schema }, size)) blocks.push(block)
        const [first, ...others] = blocks
        expect(blocks.map((block) => block.rows)).toEqual(sizes(11, size))
        expect(joinTables([first, ...others])).toEqual(table)
      }
    })

    test('a source can be read twice', async () => {
      const source = await make(two)
      expect(await source.table({ schema })).toEqual(await source.table({ schema }))
    })

    test('the summary counts rows, missing values and rows without a label', async () => {
      const { summary } = await read([...two, ['40', '80', '2', '?']])
      expect(summary).toEqual({ rows: 2, skipped: 1, missing: { age: 0, weight: 1, stage: 0 } })
    })

    test("a site's own names, units and codes become the plan's", async () => {
      const mapping = { rename: { kilo: 'weight' }, units: { weight: 'lb' }, categories: { stage: { early: '1' } } }
      const { table } = await read([['age', 'kilo', 'stage', 'ill'], ['50', '100', 'early', 'yes'], two[2]], mapping)
      expect(table.columns[1]).toMatchObject({ values: Float64Array.of(45.359237, Number.NaN) })
      expect(table.columns[2]).toMatchObject({ codes: Int32Array.of(0, 2) })
    })

    test.each([
      ['text in a number', 'ERR_DATA_NUMBER', [header, ['old', '70', '1', 'yes']]],
      ['a number out of range', 'ERR_DATA_RANGE', [header, ['150', '70', '1', 'yes']]],
      ['a fraction in a whole number', 'ERR_DATA_INTEGER', [header, ['50.5', '70', '1', 'yes']]],
      ['an unknown category', 'ERR_DATA_CATEGORY', [header, ['50', '70', '9', 'yes']]],
      ['an unknown label', 'ERR_DATA_CATEGORY', [header, ['50', '70', '1', 'maybe']]],
      ['a missing column', 'ERR_DATA_COLUMN_MISSING', two.map((row) => [row[0], row[1], row[3]])],
      ['a column twice', 'ERR_DATA_COLUMN_TWICE', two.map((row) => [...row, row[0]])],
      ['an unknown column', 'ERR_DATA_COLUMN_UNKNOWN', two.map((row, i) => [...row, i === 0 ? 'name' : 'x'])],
      ['a label that is never positive', 'ERR_DATA_LABEL_ONE_CLASS', [header, ['50', '70', '1', 'no']]],
      ['no records', 'ERR_DATA_EMPTY', [header]],
    ])('%s is refused with %s', async (_, code, records: Records) => {
      expect(await failure(records)).toBe(code)
    })

    test('a unit of another dimension is refused', async () => {
      expect(await failure(two, { units: { weight: 'years' } })).toBe('ERR_DATA_UNIT')
    })
  })
}
