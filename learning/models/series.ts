/** A row of numbers as a series in time. */

import { InputError } from '../../protocol/errors.ts'

/** Numbers a step. @throws InputError ERR_MODEL_SHAPE where the row does not divide into the steps. */
export function channelsOf(steps: number, features: number): number {
  if (features % steps === 0) return features / steps
  throw new InputError(
    'ERR_MODEL_SHAPE',
    `${steps} steps need a multiple of as many numbers a row; the data has ${features}`,
    'model.steps',
  )
}
