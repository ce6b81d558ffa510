/** Reading a delimited file into a table and preparing it for training, beside the plain copy of its bytes. */

import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { csvFile } from '../client-node/data/csv.ts'
import { prepare, preprocessing } from '../learning/data/preprocess.ts'
import { readStatistics, sumTable } from '../learning/data/statistics.ts'
import { type DataSchema, dataSchema } from '../protocol/schema.ts'
import { Stream } from '../protocol/stream.ts'
import type { BenchOptions, BenchResult } from './result.ts'

const columns = 50
const categories = ['a', 'b', 'c']
const plain = { numbers: 'mean', categories: 'zero' } as const

/** The target: reading and preparing at 100 MB/s or more. Memory is that of the process at the end. */
export async function csv({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  const rows = quick ? 50_000 : 1_000_000
  const folder = await mkdtemp(join(tmpdir(), 'concordat-bench-'))
  try {
    const path = join(folder, 'table.csv')
    await writeTable(path, rows)
    const megabytes = (await stat(path)).size / 1e6
    progress(`${rows} rows, ${columns} columns, ${megabytes.toFixed(0)} MB`)
    const speed = async (work: () => Promise<unknown>) => megabytes / (await medianSeconds(work, quick ? 5 : 3))
    const copied = await speed(() => readThrough(path))
    const reading = await speed(() => csvFile(path).table({ schema }))
    const preparing = await speed(() => readAndPrepare(path))
    const result = (name: string, value: number): BenchResult => {
      return { name, value, unit: 'MB/s', reference: copied, ratio: value / copied }
    }
    return [result('csv: read into a table', reading), result('csv: read, measure and prepare', preparing)]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Every tenth column a category, every fifth a whole number, the others with four decimals; some missing. */
const schema: DataSchema = dataSchema.parse({
  columns: Array.from({ length: columns }, (_, i) =>
    i % 10 === 9
      ? { name: `c${i}`, type: 'category', categories }
      : { name: `c${i}`, type: 'number', range: [-1000, 1000], integer: i % 5 === 0 },
  ),
})

async function readAndPrepare(path: string): Promise<number> {
  const { table } = await csvFile(path).table({ schema })
  const statistics = readStatistics(schema, sumTable(table, 0), 0)
  return prepare(table, preprocessing(schema, statistics, plain)).x.length
}

/** The reference: what the disk and the stream cost alone. */
async function readThrough(path: string): Promise<number> {
  let sum = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) sum += chunk.length
  return sum
}

async function writeTable(path: string, rows: number): Promise<void> {
  const stream = new Stream('bench/csv')
  const file = await open(path, 'w')
  await file.write(`${schema.columns.map((column) => column.name).join(',')}\n`)
  for (let row = 0; row < rows; row += 1000) {
    await file.write(Array.from({ length: Math.min(1000, rows - row) }, () => record(stream)).join(''))
  }
  await file.close()
}

function record(stream: Stream): string {
  const cells = Array.from({ length: columns }, (_, i) => {
    if (stream.below(50) === 0) return ''
    if (i % 10 === 9) return categories[stream.below(3)]
    return i % 5 === 0 ? String(stream.below(100)) : (stream.uniform() * 200 - 50).toFixed(4)
  })
  return `${cells.join(',')}\n`
}

async function medianSeconds(work: () => Promise<unknown>, runs: number): Promise<number> {
  const seconds: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    await work()
    seconds.push((performance.now() - start) / 1000)
  }
  return seconds.sort((a, b) => a - b)[Math.floor(runs / 2)]
}
