/** The menu of models that a plan can name. */

import { cnn } from './cnn.ts'
import { logistic } from './logistic.ts'
import { mlp } from './mlp.ts'
import type { Model } from './model.ts'
import { recurrent } from './recurrent.ts'
import { transformer } from './transformer.ts'

export const models: Readonly<Record<string, Model>> = {
  logistic,
  mlp,
  cnn,
  recurrent,
  transformer,
}
