/** Centred clipping: what differs from the last round's update is shortened. Karimireddy et al. 2021, "Learning from History for Byzantine Robust Optimization", eq. 3. */

import * as z from 'zod'
import { normOf } from '../attacks/attack.ts'
import { entry } from '../menu.ts'
import { type Defence, middle, weightedMean } from './defence.ts'

const options = z.strictObject({
  /** tau of the paper; the median of the distances without it. */
  radius: z.number().positive().optional(),
  iterations: z.int().min(1).max(20).default(3),
})

export const centredClipping = entry(options, ({ radius, iterations }): Defence => {
  let before: Float64Array | undefined
  return {
    merge(points) {
      let centre = before ?? new Float64Array(points[0].update.length)
      for (let i = 0; i < iterations; i++) {
        const around = centre
        const away = points.map(({ update, weight }) => ({
          weight,
          update: update.map((value, k) => value - around[k]),
        }))
        const norms = away.map(({ update }) => normOf(update))
        const tau = radius ?? middle(Float64Array.from(norms).sort())
        const clipped = away.map(({ update, weight }, k) => ({
          weight,
          update: update.map((value) => value * Math.min(1, tau / Math.max(norms[k], Number.MIN_VALUE))),
        }))
        const step = weightedMean(clipped)
        centre = around.map((value, k) => value + step[k])
      }
      before = centre
      return centre
    },
  }
})
