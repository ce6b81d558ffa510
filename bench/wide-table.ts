/** The table that reading is measured on: fifty columns, every tenth a category, every fifth whole numbers, some missing. */

import { open } from 'node:fs/promises'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { type DataSchema, dataSchema } from '../protocol/schema.ts'
import { Stream } from '../protocol/stream.ts'

export const wideColumns = 50
const categories = ['a', 'b', 'c']

export const wideSchema: DataSchema = dataSchema.parse({
  columns: Array.from({ length: wideColumns }, (_, i) =>
    i % 10 === 9
      ? { name: `c${i}`, type: 'category', categories }
      : { name: `c${i}`, type: 'number', range: [-1000, 1000], integer: i % 5 === 0 },
  ),
})

/** The same rows as text and as Parquet with row groups of a tenth of them. */
export async function writeWideTable(csvPath: string, parquetPath: string, rows: number): Promise<void> {
  const stream = new Stream('bench/csv')
  const file = await open(csvPath, 'w')
  await file.write(`${wideSchema.columns.map(({ name }) => name).join(',')}\n`)
  const writer = new ParquetWriter({ writer: fileWriter(parquetPath), schema: parquetSchema() })
  const group = Math.ceil(rows / 10)
  for (let start = 0; start < rows; start += group) {
    const records = Array.from({ length: Math.min(group, rows - start) }, () => record(stream))
    for (let i = 0; i < records.length; i += 1000) {
      await file.write(
        records
          .slice(i, i + 1000)
          .map((cells) => `${cells.join(',')}\n`)
          .join(''),
      )
    }
    const columnData = wideSchema.columns.map(({ name }, i) => ({
      name,
      data: records.map((cells) => typed(cells[i], i)),
    }))
    await writer.write({ columnData, rowGroupSize: group })
  }
  await writer.finish()
  await file.close()
}

function record(stream: Stream): string[] {
  return Array.from({ length: wideColumns }, (_, i) => {
    if (stream.below(50) === 0) return ''
    if (i % 10 === 9) return categories[stream.below(3)]
    return i % 5 === 0 ? String(stream.below(100)) : (stream.uniform() * 200 - 50).toFixed(4)
  })
}

const typed = (cell: string, i: number): string | number | null =>
  cell === '' ? null : i % 10 === 9 ? cell : Number(cell)

const parquetSchema = () => [
  { name: 'root', num_children: wideColumns },
  ...wideSchema.columns.map(({ name }, i) =>
    i % 10 === 9
      ? { name, type: 'BYTE_ARRAY' as const, converted_type: 'UTF8' as const, repetition_type: 'OPTIONAL' as const }
      : { name, type: 'DOUBLE' as const, repetition_type: 'OPTIONAL' as const },
  ),
]
