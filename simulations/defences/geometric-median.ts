/** The geometric median, by smoothed Weiszfeld steps. Pillutla et al. 2022, "Robust Aggregation for Federated Learning", algorithm 2. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Defence, distance, weightedMean } from './defence.ts'

const options = z.strictObject({
  iterations: z.int().min(1).max(100).default(8),
  /** nu of the paper: distances below it count as it. */
  smoothing: z.number().positive().default(1e-6),
})

export const geometricMedian = entry(
  options,
  ({ iterations, smoothing }): Defence => ({
    merge(points) {
      let centre = weightedMean(points)
      for (let i = 0; i < iterations; i++) {
        const near = points.map(({ update, weight }) => ({
          update,
          weight: weight / Math.max(smoothing, distance(update, centre)),
        }))
        centre = weightedMean(near)
      }
      return centre
    },
  }),
)
