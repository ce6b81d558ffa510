/** Stragglers: some sites compute slower than others, always or for a round; times are lognormal, as on real fleets. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import type { Fault } from './fault.ts'

const options = z.strictObject({
  /** Deviation of the logarithm of a site's own slowness. */
  between: z.number().min(0).max(5).default(0.5),
  /** The same from round to round. */
  within: z.number().min(0).max(5).default(0.2),
})

export const stragglers = entry(
  options,
  ({ between, within }): Fault =>
    (condition, { lasting, passing }) => {
      condition.compute *= Math.exp(between * lasting.normal() + within * passing.normal())
    },
)
