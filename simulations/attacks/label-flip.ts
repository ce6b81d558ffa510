/** Label flipping: cheats train on wrong labels. Tolpegin et al. 2020, "Data Poisoning Attacks Against Federated Learning Systems". */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, classCount } from './attack.ts'

const options = z.strictObject({
  /** Class `from` becomes `to` (indices; 0 is negative, 1 positive); without them every class becomes the last but it. */
  from: z.int().min(0).optional(),
  to: z.int().min(0).optional(),
})

export const labelFlip = entry(
  options,
  ({ from, to }): Attack => ({
    aim: 'to have the model say the wrong class',
    poison: (table) => {
      const last = classCount(table) - 1
      const flipped = (label: number): number => {
        if (from === undefined || to === undefined) return last - label
        return label === from ? to : label
      }
      return { ...table, ...(table.label ? { label: table.label.map(flipped) } : {}) }
    },
  }),
)
