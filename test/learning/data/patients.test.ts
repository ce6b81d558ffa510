import { describe, expect, test } from 'vitest'
import { readCsv } from '../../../learning/data/csv.ts'
import { joinTables, selectRows, sliceTable, type Table } from '../../../learning/data/table.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const schema = dataSchema.parse({
  columns: [{ name: 'a', type: 'number', range: [0, 100] }],
  label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
  patient: { column: 'mrn', rows: 2 },
})

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

const read = (csv: string): Promise<{ readonly table: Table; readonly summary: { readonly skipped: number } }> =>
  readCsv({ name: 'visits.csv', chunks: once(csv) }, { schema })

describe('a table with patients', () => {
  test('knows whose row is whose, and keeps the first rows of each up to the plan’s number', async () => {
    const { table, summary } = await read('a,ill,mrn\n1,1,p7\n2,0,p8\n3,1,p7\n4,?,p8\n5,1,p7\n6,0, p8\n7,1,p8\n')
    expect(table.patients).toEqual(['p7', 'p8', 'p7', 'p8'])
    expect(table.columns[0]).toMatchObject({ values: Float64Array.of(1, 2, 3, 6) })
    // A row without a label does not count against the patient.
    expect(summary.skipped).toBe(3)
  })

  test('keeps patients with their rows when rows are chosen, cut out and joined', async () => {
    const { table } = await read('a,ill,mrn\n1,1,p7\n2,0,p8\n3,1,p9\n')
    expect(selectRows(table, Uint32Array.of(2, 0)).patients).toEqual(['p9', 'p7'])
    expect(sliceTable(table, 1, 3).patients).toEqual(['p8', 'p9'])
    expect(joinTables([table, table]).patients).toHaveLength(6)
  })

  test('is refused where a row does not say whose it is, with its place', async () => {
    await expect(read('a,ill,mrn\n1,1,p7\n2,0,\n')).rejects.toMatchObject({
      code: 'ERR_DATA_PATIENT',
      message: expect.stringContaining('visits.csv:3:5'),
    })
    await expect(read('a,ill\n1,1\n')).rejects.toMatchObject({ code: 'ERR_DATA_COLUMN_MISSING' })
  })

  test('a key that is a feature too would be trained on: refused in the plan', () => {
    expect(() => dataSchema.parse({ ...schema, patient: { column: 'a' } })).toThrow('a column of its own')
  })
})
