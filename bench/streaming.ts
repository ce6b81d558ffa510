/** Bench of training on a file larger than memory: streamed beside the same work on a table in memory. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as z from 'zod'
import { rowsRepeated, writeLongTable } from './long-table.ts'
import type { BenchOptions, BenchResult } from './result.ts'

const measured = z.object({ rows: z.int(), seconds: z.number(), auc: z.number(), peakMegabytes: z.number() })
const trainer = fileURLToPath(new URL('train-table.js', import.meta.url))

/** The target: the peak of the streamed site does not grow with the file. The reference is the table in memory. */
export async function streaming({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-bench-'))
  try {
    const results: BenchResult[] = []
    for (const repetitions of quick ? [1, 5] : [20, 200]) {
      const path = join(folder, `${repetitions}.csv`)
      await writeLongTable(path, repetitions)
      const megabytes = `${Math.round((await stat(path)).size / 1e6)} MB`
      progress(`${repetitions * rowsRepeated} rows, ${megabytes} as text`)
      const [streamed, table] = [await measure(path, 'stream'), await measure(path, 'table')]
      for (const [name, unit, of] of figures) {
        const [value, reference] = [of(streamed), of(table)]
        results.push({ name: `${megabytes} streamed: ${name}`, value, unit, reference, ratio: value / reference })
      }
    }
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

type Measured = z.infer<typeof measured>

const figures: readonly (readonly [string, string, (found: Measured) => number])[] = [
  ['peak memory', 'MB', ({ peakMegabytes }) => peakMegabytes],
  ['a run of one round', 's', ({ seconds }) => seconds],
  ['AUC', '', ({ auc }) => auc],
]

async function measure(path: string, how: 'stream' | 'table'): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [trainer, path, how])
  return measured.parse(JSON.parse(stdout))
}
