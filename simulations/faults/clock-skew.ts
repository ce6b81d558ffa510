/** Clock skew: sites' clocks run fast or slow. Only a deadline that a site measures itself feels it: a fast clock gives up early. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import type { Fault } from './fault.ts'

const options = z.strictObject({
  /** Deviation of the clocks' rates: 0.1 runs 10 % fast or slow. */
  deviation: z.number().min(0).max(0.9).default(0.05),
})

export const clockSkew = entry(
  options,
  ({ deviation }): Fault =>
    (condition, { lasting }) => {
      condition.clockRate *= Math.max(0.1, 1 + deviation * lasting.normal())
    },
)
