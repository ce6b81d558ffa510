/** PyTorch's milliseconds a step, from ../shared/tools/torch-reference.py where that file and a Python with PyTorch are. */

import { spawnSync } from 'node:child_process'
import * as z from 'zod'

/** From the repository's root, where benches are started. */
const script = '../shared/tools/torch-reference.py'

const output = z.object({
  torch: z.string(),
  results: z.array(z.object({ model: z.string(), batch: z.number(), ms_per_step: z.number() })),
})

export interface TorchTimes {
  readonly version: string
  /** `undefined` where it was not measured. */
  readonly of: (model: string, batch: number) => number | undefined
}

/** `TORCH_PYTHON` names the interpreter; python3 without it. `undefined` where it cannot run. */
export function torchTimes(
  models: readonly string[],
  batches: readonly number[],
  seconds: number,
): TorchTimes | undefined {
  const python = process.env.TORCH_PYTHON ?? 'python3'
  const chosen = ['--models', models.join(','), '--batches', batches.join(','), '--seconds', `${seconds}`]
  const { status, stdout } = spawnSync(python, [script, ...chosen], { encoding: 'utf8', timeout: 600_000 })
  if (status !== 0) return undefined
  const { torch, results } = output.parse(JSON.parse(stdout))
  return {
    version: torch,
    of: (model, batch) => results.find((result) => result.model === model && result.batch === batch)?.ms_per_step,
  }
}
