/** Curves as a table: a line a round, a column a metric. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CurveWriter } from './curve.ts'

export const csv: CurveWriter = async ({ id, name, points }, folder) => {
  const columns = [...new Set(points.flatMap(({ metrics }) => Object.keys(metrics)))]
  const lines = points.map(({ round, at, metrics }) =>
    [round, new Date(at).toISOString(), ...columns.map((column) => metrics[column] ?? '')].join(','),
  )
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}-${id}.csv`)
  await writeFile(path, `${['round', 'at', ...columns].join(',')}\n${lines.map((line) => `${line}\n`).join('')}`)
  return [path]
}
