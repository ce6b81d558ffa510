/** A small Transformer over a series of measurements: the columns are `steps` times the same channels, in order of time. */

import * as z from 'zod'
import { head, model } from './model.ts'
import { channelsOf } from './series.ts'

const options = z.strictObject({
  steps: z.int().min(1).max(4096),
  blocks: z.int().min(1).max(24).default(2),
  /** A multiple of `heads`. */
  width: z.int().min(1).max(1024).default(32),
  heads: z.int().min(1).max(64).default(4),
  hidden: z.int().min(1).max(4096).default(64),
  dropout: z.number().min(0).max(0.95).default(0),
})

export const transformer = model(options, ({ steps, blocks, width, heads, hidden, dropout }, { features, label }) => {
  const { units, loss } = head(label)
  return {
    input: [steps, channelsOf(steps, features)],
    layers: [
      { type: 'places' as const, width },
      ...Array.from({ length: blocks }, () => [
        { type: 'transformer' as const, heads, hidden },
        ...(dropout > 0 ? [{ type: 'dropout' as const, rate: dropout }] : []),
      ]).flat(),
      { type: 'layerNorm' as const },
      { type: 'meanSteps' as const },
      { type: 'dense' as const, units, activation: 'linear' as const },
    ],
    loss,
  }
})
