/**
 * Krum: the update whose neighbours are nearest; multi-Krum averages several of them. Blanchard et al. 2017, "Machine
 * Learning with Adversaries: Byzantine Tolerant Gradient Descent".
 */

import * as z from 'zod'
import { meanOf } from '../attacks/attack.ts'
import { entry } from '../menu.ts'
import { type Defence, distance } from './defence.ts'

const options = z.strictObject({
  /** f of the paper, as a share: how many may cheat. */
  cheats: z.number().min(0).max(0.49).default(0.2),
  /** m of the paper, as a share of the updates; the single nearest one without it. */
  keep: z.number().positive().max(1).optional(),
})

export const krum = entry(
  options,
  ({ cheats, keep }): Defence => ({
    merge(points) {
      const n = points.length
      const neighbours = Math.max(1, n - Math.ceil(cheats * n) - 2)
      const scores = points.map(({ update }, i) => {
        const squares = points.flatMap((other, j) => (i === j ? [] : [distance(update, other.update) ** 2]))
        return squares
          .sort((a, b) => a - b)
          .slice(0, neighbours)
          .reduce((sum, square) => sum + square, 0)
      })
      const order = points.map((_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b)
      const kept = keep === undefined ? 1 : Math.max(1, Math.floor(keep * n))
      return meanOf(order.slice(0, kept).map((i) => points[i].update))
    },
  }),
)
