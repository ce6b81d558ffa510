/** What a layer makes of the shape below it, and the tensors it needs. */

import { InputError } from '../../protocol/errors.ts'

/**
 * Only kernels shrink under weight decay; a `scale` and a `variance` start at one. Means and variances of past batches
 * have no gradient: they follow the batches, and travel and are averaged like all parameters.
 */
export type Role = 'kernel' | 'bias' | 'scale' | 'mean' | 'variance'

export const followsBatches = (role: Role): boolean => role === 'mean' || role === 'variance'

export interface Placement {
  readonly output: readonly number[]
  /** `part` tells tensors of one role apart. */
  readonly tensors: readonly { readonly part?: string; readonly role: Role; readonly shape: readonly number[] }[]
}

export const shapeError = (where: string, expected: string, found: readonly number[]): InputError =>
  new InputError('ERR_MODEL_SHAPE', `${expected}; found the shape [${found.join(', ')}]`, where)
