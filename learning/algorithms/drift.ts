/** How far two models of one shape are apart: what leaving a site out changed. */

import { InputError } from '../../protocol/errors.ts'
import { type ModelFile, parametersOf } from './model-file.ts'

export interface Drift {
  /** Euclidean, between the parameters; each model's are on its own preprocessing's scale. */
  readonly distance: number
  /** The same over the norm of the earlier model. */
  readonly relative: number
  /** Each on the rows that its own sites held out; `null` where a model has none. */
  readonly auc: { readonly before: number | null; readonly after: number | null; readonly change: number | null }
}

/** @throws InputError ERR_MODEL_FILE where the models have other parameters. */
export function driftOf(before: ModelFile, after: ModelFile): Drift {
  const [old, now] = [parametersOf(before), parametersOf(after)]
  if (old.length !== now.length)
    throw new InputError('ERR_MODEL_FILE', `expected ${old.length} parameters as before, found ${now.length}`)
  const distance = norm(old.map((value, i) => value - now[i]))
  const [aucBefore, aucAfter] = [aucOf(before), aucOf(after)]
  const change = aucBefore === null || aucAfter === null ? null : aucAfter - aucBefore
  return { distance, relative: distance / norm(old), auc: { before: aucBefore, after: aucAfter, change } }
}

function norm(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}

function aucOf({ metrics }: ModelFile): number | null {
  if (typeof metrics !== 'object' || metrics === null || !('auc' in metrics)) return null
  const { auc } = metrics
  return typeof auc === 'object' && auc !== null && 'value' in auc && typeof auc.value === 'number' ? auc.value : null
}
