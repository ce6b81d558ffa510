/** Reading a table of a million rows and preparing it for training, beside the plain copy of its bytes. */

import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as z from 'zod'
import type { BenchOptions, BenchResult } from './result.ts'
import { wideColumns, writeWideTable } from './wide-table.ts'

const measured = z.object({ rows: z.int(), seconds: z.number(), cpuSeconds: z.number(), peakMegabytes: z.number() })
const reader = fileURLToPath(new URL('read-table.js', import.meta.url))

/** The target: reading and preparing at 100 MB/s or more. Megabytes of both formats are those of the text. */
export async function csv({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  const rows = quick ? 50_000 : 1_000_000
  const folder = await mkdtemp(join(tmpdir(), 'concordat-bench-'))
  try {
    const text = join(folder, 'table.csv')
    const parquet = join(folder, 'table.parquet')
    await writeWideTable(text, parquet, rows)
    const megabytes = (await stat(text)).size / 1e6
    const packed = (await stat(parquet)).size / 1e6
    progress(
      `${rows} rows, ${wideColumns} columns, ${megabytes.toFixed(0)} MB as text, ${packed.toFixed(0)} MB as Parquet`,
    )
    const copied = megabytes / (await secondsOf(() => readThrough(text)))
    const results: BenchResult[] = []
    for (const [name, path, what] of works(text, parquet)) {
      const { seconds, cpuSeconds, peakMegabytes } = await median(path, what, quick ? 5 : 3)
      const speed = megabytes / seconds
      results.push({ name, value: speed, unit: 'MB/s', reference: copied, ratio: speed / copied })
      results.push({
        name: `${name}, processor`,
        value: megabytes / cpuSeconds,
        unit: 'MB/s',
        reference: null,
        ratio: null,
      })
      results.push({ name: `${name}, peak memory`, value: peakMegabytes, unit: 'MB', reference: null, ratio: null })
    }
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

const works = (text: string, parquet: string): readonly (readonly [string, string, string])[] => [
  ['csv: read into a table', text, 'read'],
  ['csv: read, measure and prepare', text, 'prepare'],
  ['csv: read block by block', text, 'blocks'],
  ['parquet: read into a table', parquet, 'read'],
  ['parquet: read, measure and prepare', parquet, 'prepare'],
  ['parquet: read block by block', parquet, 'blocks'],
]

async function median(path: string, what: string, runs: number): Promise<z.infer<typeof measured>> {
  const results: z.infer<typeof measured>[] = []
  for (let run = 0; run < runs; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, [reader, path, what])
    results.push(measured.parse(JSON.parse(stdout)))
  }
  return results.sort((a, b) => a.seconds - b.seconds)[Math.floor(runs / 2)]
}

/** The reference: what the disk and the stream cost alone. */
async function readThrough(path: string): Promise<number> {
  let sum = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) sum += chunk.length
  return sum
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
