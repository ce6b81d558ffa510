/** Drop-outs: a site is away for a round with some probability, or for good from some round on. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import type { Fault } from './fault.ts'

const options = z.strictObject({
  /** Probability that a site is not in a round. */
  rate: z.number().min(0).max(1).default(0.1),
  /** Share of the sites that leave for good, at a round of their own. */
  leaving: z.number().min(0).max(1).default(0),
  /** Rounds over which those leave. */
  within: z.int().min(1).default(100),
})

export const dropOut = entry(
  options,
  ({ rate, leaving, within }): Fault =>
    (condition, { round, lasting, passing }) => {
      const leaves = lasting.uniform() < leaving
      const last = 1 + lasting.below(within)
      if (leaves && round >= last) condition.absent ??= { code: 'ERR_NOT_CONNECTED', reason: 'the site left the run' }
      if (passing.uniform() < rate) condition.absent ??= { code: 'ERR_LINK_LOST', reason: 'the link was lost' }
    },
)
