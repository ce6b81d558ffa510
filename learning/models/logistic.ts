/** Logistic regression, binary or multinomial, as a model trained by gradient steps. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { head, model } from './model.ts'

export const logistic = model(z.strictObject({}), (_, { features, label }) => {
  if (label.type === 'number') {
    throw new InputError(
      'ERR_MODEL_LABEL',
      `logistic regression needs a binary or class label; "${label.column}" is a number`,
      'model',
    )
  }
  const { units, loss } = head(label)
  return { input: [features], layers: [{ type: 'dense', units, activation: 'linear' }], loss }
})
