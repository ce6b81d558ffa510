/** A multi-layer perceptron: dense layers of the given widths. `hidden: [200, 200]` is the 2NN of McMahan et al. 2017. */

import * as z from 'zod'
import { head, model } from './model.ts'

const options = z.strictObject({
  hidden: z.array(z.int().min(1).max(16_384)).max(32).default([64, 32]),
  activation: z.enum(['relu', 'sigmoid', 'tanh']).default('relu'),
})

export const mlp = model(options, ({ hidden, activation }, { features, label }) => {
  const { units, loss } = head(label)
  return {
    input: [features],
    layers: [
      ...hidden.map((width) => ({ type: 'dense' as const, units: width, activation })),
      { type: 'dense' as const, units, activation: 'linear' as const },
    ],
    loss,
  }
})
