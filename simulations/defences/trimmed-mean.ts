/** The mean of every coordinate without its smallest and largest values. Yin et al. 2018, algorithm 1, option II. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { byCoordinate, type Defence } from './defence.ts'

const options = z.strictObject({
  /** Share of the values left out at each end. */
  trim: z.number().min(0).max(0.49).default(0.2),
})

export const trimmedMean = entry(
  options,
  ({ trim }): Defence => ({
    merge(points) {
      const cut = Math.min(Math.ceil(trim * points.length), (points.length - 1) >> 1)
      return byCoordinate(points, (sorted) => {
        const kept = sorted.subarray(cut, sorted.length - cut)
        return kept.reduce((sum, value) => sum + value, 0) / kept.length
      })
    },
  }),
)
