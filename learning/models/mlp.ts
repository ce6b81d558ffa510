/** A multi-layer perceptron: dense layers of the given widths. `hidden: [200, 200]` is the 2NN of McMahan et al. 2017. */

import * as z from 'zod'
import type { Layer } from './description.ts'
import { head, model } from './model.ts'

const options = z.strictObject({
  hidden: z.array(z.int().min(1).max(16_384)).max(32).default([64, 32]),
  activation: z.enum(['relu', 'leaky-relu', 'elu', 'softplus', 'sigmoid', 'tanh']).default('relu'),
  /** `layer` or `batch` puts that norm behind every hidden layer. */
  norm: z.enum(['none', 'layer', 'batch']).default('none'),
  /** Share of the hidden numbers that a training step leaves out. */
  dropout: z.number().min(0).max(0.95).default(0),
})

const norms: Readonly<Record<'none' | 'layer' | 'batch', readonly Layer[]>> = {
  none: [],
  layer: [{ type: 'layerNorm' }],
  batch: [{ type: 'batchNorm' }],
}

export const mlp = model(options, ({ hidden, activation, norm, dropout }, { features, label }) => {
  const { units, loss } = head(label)
  return {
    input: [features],
    layers: [
      ...hidden.flatMap((width): Layer[] => [
        { type: 'dense', units: width, activation },
        ...norms[norm],
        ...(dropout > 0 ? [{ type: 'dropout', rate: dropout } as const] : []),
      ]),
      { type: 'dense' as const, units, activation: 'linear' as const },
    ],
    loss,
  }
})
