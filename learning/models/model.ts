/** A model of the menu: the options a plan may give, and the description they lead to on a plan's data. */

import type * as z from 'zod'
import type { Label } from '../../protocol/schema.ts'
import type { Loss, ModelDescription } from './description.ts'

/** What a model must fit: numbers a row after preprocessing, and what is to be predicted. */
export interface ModelData {
  readonly features: number
  readonly label: Label
  /** Height, width and channels, where a row is one image and nothing else. */
  readonly image?: readonly [number, number, number]
}

export interface Model {
  readonly options: z.ZodType
  /** @throws InputError ERR_MODEL_LABEL, ERR_MODEL_SHAPE where the options do not fit the data. */
  describe(options: unknown, data: ModelData): ModelDescription
}

/** Binds the options' type to the description, so that a menu can hold models with different options. */
export function model<Options extends z.ZodType>(
  options: Options,
  describe: (options: z.infer<Options>, data: ModelData) => ModelDescription,
): Model {
  return { options, describe: (given, data) => describe(options.parse(given), data) }
}

/** The loss that belongs to a label, and how many outputs it needs. */
export function head(label: Label): { readonly units: number; readonly loss: Loss } {
  switch (label.type) {
    case 'binary':
      return { units: 1, loss: 'binary-cross-entropy' }
    case 'class':
      return { units: label.classes.length, loss: 'cross-entropy' }
    case 'number':
      return { units: 1, loss: 'mean-squared-error' }
  }
}
