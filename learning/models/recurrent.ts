/** A recurrent network over a series of measurements: the columns are `steps` times the same channels, in order of time. */

import * as z from 'zod'
import { head, model } from './model.ts'
import { channelsOf } from './series.ts'

const options = z.strictObject({
  steps: z.int().min(1).max(4096),
  cell: z.enum(['rnn', 'gru', 'lstm']).default('gru'),
  /** Units of each layer, from the bottom. */
  units: z.array(z.int().min(1).max(4096)).min(1).max(8).default([32]),
})

export const recurrent = model(options, ({ steps, cell, units }, { features, label }) => {
  const { units: outputs, loss } = head(label)
  return {
    input: [steps, channelsOf(steps, features)],
    layers: [
      ...units.map((width, i) => ({ type: cell, units: width, sequences: i < units.length - 1 })),
      { type: 'dense' as const, units: outputs, activation: 'linear' as const },
    ],
    loss,
  }
})
