/** MLflow's file store (mlflow.store.tracking.file_store): one folder a run with meta.yaml, metrics, params and tags. */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import type { CurveWriter, RunCurves } from './curve.ts'

const experiment = '0'
/** mlflow.entities.RunStatus. */
const statuses = { running: 1, finished: 3, failed: 4 } as const

export const mlflow: CurveWriter = async (curves, folder) => {
  const id = curves.id.padEnd(32, '0')
  const home = join(folder, experiment, id)
  const files: [string, string][] = [
    [join(folder, experiment, 'meta.yaml'), experimentMeta(folder)],
    [join(home, 'meta.yaml'), runMeta(curves, { id, home })],
    [join(home, 'tags', 'mlflow.runName'), curves.name],
    [join(home, 'params', 'plan'), curves.name],
    ...metricsOf(curves).map(([name, lines]): [string, string] => [join(home, 'metrics', name), lines]),
  ]
  for (const [path, text] of files) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  await mkdir(join(home, 'artifacts'), { recursive: true })
  return files.map(([path]) => path)
}

/** A line a value: timestamp in milliseconds, value, step. */
function metricsOf({ points }: RunCurves): [string, string][] {
  const names = [...new Set(points.flatMap(({ metrics }) => Object.keys(metrics)))]
  return names.map((name) => {
    const lines = points.flatMap(({ at, round, metrics }) =>
      metrics[name] === undefined ? [] : [`${at} ${metrics[name]} ${round}\n`],
    )
    return [fileName(name), lines.join('')]
  })
}

/** What MLflow allows in a metric's name. */
const fileName = (name: string): string => name.replace(/[^\w. -]/g, '_')

const experimentMeta = (folder: string): string =>
  stringify({
    artifact_location: `file://${join(folder, experiment)}`,
    experiment_id: experiment,
    lifecycle_stage: 'active',
    name: 'concordat',
  })

const runMeta = (
  { name, points, outcome }: RunCurves,
  { id, home }: { readonly id: string; readonly home: string },
): string =>
  stringify({
    artifact_uri: `file://${join(home, 'artifacts')}`,
    end_time: outcome === undefined ? null : (points.at(-1)?.at ?? null),
    entry_point_name: '',
    experiment_id: experiment,
    lifecycle_stage: 'active',
    run_id: id,
    run_name: name,
    run_uuid: id,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: points[0]?.at ?? 0,
    status: statuses[outcome ?? 'running'],
    tags: [],
    user_id: 'concordat',
  })
