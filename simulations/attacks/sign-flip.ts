/** Sign flipping: cheats send the opposite of what they learned, to drive the model away from its optimum. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, scaled } from './attack.ts'

const options = z.strictObject({
  /** How much longer than the honest update. */
  factor: z.number().positive().max(1e6).default(1),
})

export const signFlip = entry(
  options,
  ({ factor }): Attack => ({
    aim: 'to drive the model away from its optimum',
    exchange: (honest) => honest.map((update) => scaled(update, -factor)),
  }),
)
