/** Scaling: cheats send their update many times over, so that their records outweigh everybody's. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, scaled } from './attack.ts'

const options = z.strictObject({
  factor: z.number().positive().max(1e6).default(10),
})

export const scaling = entry(
  options,
  ({ factor }): Attack => ({
    aim: "to have the cheats' records outweigh all others",
    exchange: (honest) => honest.map((update) => scaled(update, factor)),
  }),
)
