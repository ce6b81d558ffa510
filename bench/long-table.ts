/** A file of any length with a label that can be learned: twenty numbers a row, the same ten thousand rows again and again. */

import { open } from 'node:fs/promises'
import { type DataSchema, dataSchema } from '../protocol/schema.ts'
import { Stream } from '../protocol/stream.ts'

const columns = 20
export const rowsRepeated = 10_000

export const longSchema: DataSchema = dataSchema.parse({
  columns: Array.from({ length: columns }, (_, i) => ({ name: `c${i}`, type: 'number', range: [-100, 100] })),
  label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
})

export async function writeLongTable(path: string, repetitions: number): Promise<void> {
  const stream = new Stream('bench/streaming')
  const lines = Array.from({ length: rowsRepeated }, () => `${record(stream).join(',')}\n`).join('')
  const file = await open(path, 'w')
  await file.write(`${[...longSchema.columns.map(({ name }) => name), 'ill'].join(',')}\n`)
  for (let i = 0; i < repetitions; i++) await file.write(lines)
  await file.close()
}

function record(stream: Stream): string[] {
  const values = Array.from({ length: columns }, () => 10 * stream.normal())
  const ill = stream.uniform() < 1 / (1 + Math.exp(-(values[0] + values[1] - values[2]) / 10))
  return [...values.map((value) => value.toFixed(4)), ill ? '1' : '0']
}
