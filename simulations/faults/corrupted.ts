/** Corrupted messages: a contribution arrives with other bytes than were sent. Its hash tells, and it is sent again. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import type { Fault } from './fault.ts'

const options = z.strictObject({
  /** Probability that one transfer is spoilt. */
  rate: z.number().min(0).max(1).default(0.05),
  /** Transfers after which a site gives up. */
  tries: z.int().min(1).max(100).default(3),
})

export const corrupted = entry(
  options,
  ({ rate, tries }): Fault =>
    (condition, { passing }) => {
      for (let sent = 1; passing.uniform() < rate; sent++) {
        if (sent === tries) {
          condition.absent ??= { code: 'ERR_BLOB', reason: `the bytes did not match their hash ${tries} times` }
          return
        }
        condition.resent++
      }
    },
)
