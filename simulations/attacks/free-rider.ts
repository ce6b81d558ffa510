/** Free riders take the model and give nothing: no update, or noise that looks like one. Fraboni et al. 2021, "Free-rider Attacks on Model Aggregation in Federated Learning". */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, normOf } from './attack.ts'

const options = z.strictObject({
  /** Length of the noise over that of an honest update; 0 sends zeros. */
  noise: z.number().min(0).max(100).default(0),
})

export const freeRider = entry(
  options,
  ({ noise }): Attack => ({
    aim: 'to have the model without contributing records',
    exchange: (honest, { stream }) =>
      honest.map((update, i) => {
        if (noise === 0) return new Float64Array(update.length)
        const own = stream.fork(`${i}`)
        const deviation = (noise * normOf(update)) / Math.sqrt(update.length)
        return update.map(() => deviation * own.normal())
      }),
  }),
)
