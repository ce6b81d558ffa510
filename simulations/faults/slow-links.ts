/** Slow links: a share of the sites sits behind a line that is several times slower. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import type { Fault } from './fault.ts'

const options = z.strictObject({
  share: z.number().min(0).max(1).default(0.2),
  /** How many times slower. */
  factor: z.number().min(1).max(10_000).default(10),
})

export const slowLinks = entry(
  options,
  ({ share, factor }): Fault =>
    (condition, { lasting }) => {
      if (lasting.uniform() < share) condition.send *= factor
    },
)
