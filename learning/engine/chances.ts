/** What training draws beside the order of its rows: each from a stream of its own, so that one never moves the other. */

import type { Stream } from '../../protocol/stream.ts'
import type { ModelDescription } from '../models/description.ts'
import { drops } from './dropout.ts'
import type { TrainOptions } from './trainer.ts'

/** `undefined` where nothing is drawn. */
export interface Chances {
  readonly dropout: Stream | undefined
  readonly augmentation: Stream | undefined
}

export const chancesOf = (model: ModelDescription, { augmentation }: TrainOptions, stream: Stream): Chances => ({
  dropout: drops(model) ? stream.fork('dropout') : undefined,
  augmentation: augmentation === undefined ? undefined : stream.fork('augmentation'),
})
