/** Norm bound: longer updates than most are shortened to the middle length, or to a given one. Sun et al. 2019, "Can You Really Backdoor Federated Learning?". */

import * as z from 'zod'
import { normOf, scaled } from '../attacks/attack.ts'
import { entry } from '../menu.ts'
import { type Defence, middle, weightedMean } from './defence.ts'

const options = z.strictObject({
  /** The largest norm; the median of the round's norms without it. */
  norm: z.number().positive().optional(),
})

export const normBound = entry(
  options,
  ({ norm }): Defence => ({
    merge(points) {
      const norms = points.map(({ update }) => normOf(update))
      const most = norm ?? middle(Float64Array.from(norms).sort())
      return weightedMean(
        points.map((point, i) =>
          norms[i] > most ? { ...point, update: scaled(point.update, most / norms[i]) } : point,
        ),
      )
    },
  }),
)
