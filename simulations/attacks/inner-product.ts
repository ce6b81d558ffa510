/**
 * Inner-product manipulation: all cheats send the opposite of the honest mean, short enough to be overlooked, so that the
 * sum points away from it. Xie et al. 2020, "Fall of Empires: Breaking Byzantine-tolerant SGD by Inner Product Manipulation".
 */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, meanOf, scaled } from './attack.ts'

const options = z.strictObject({
  /** epsilon of the paper: length over that of the honest mean. */
  epsilon: z.number().positive().max(1000).default(0.5),
})

export const innerProduct = entry(
  options,
  ({ epsilon }): Attack => ({
    aim: 'to have the mean point away from the honest one',
    exchange(honest) {
      const sent = scaled(meanOf(honest), -epsilon)
      return honest.map(() => sent)
    },
  }),
)
