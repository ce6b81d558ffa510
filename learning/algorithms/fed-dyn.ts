/**
 * FedDyn: each site adds to its objective a linear term and a proximal one, updated from round to round so that the
 * sites' optima move to the optimum of all. Acar et al. 2021, "Federated Learning Based on Dynamic Regularization",
 * algorithm 1. Sites count by their rows where the paper counts them alike.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, summed } from './averaging.ts'
import { training } from './training.ts'

const { proximal: _, ...walk } = local
const options = z.strictObject({
  ...walk,
  ...summed,
  /** alpha of the paper: the strength of both terms. */
  alpha: z.number().positive().max(1000).default(0.1),
})

export const fedDyn = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) => {
    const { alpha } = chosen
    return averaging(task, chosen, {
      slots: [{ length: task.parameters, initial: 0 }],
      train: ({ memory }, start, run) => {
        const own = memory.recall('gradient')
        return run(start, { proximal: alpha, ...(own === undefined ? {} : { drift: own.map((value) => -value) }) })
      },
      add({ memory }, { update }) {
        const own = memory.recall('gradient')
        memory.keep(
          'gradient',
          Float32Array.from(update, (value, i) => (own?.[i] ?? 0) - alpha * value),
        )
        return {}
      },
      step({ parameters, slots: [h] }, mean, sum) {
        // The sites taking part add to h by their share of all rows: m P / m of the paper.
        const weight = sum.weight[0]
        const next = h.map((value, i) => value - alpha * weight * mean[i])
        return { parameters: parameters.map((value, i) => value + mean[i] - next[i] / alpha), slots: [next] }
      },
    })
  }),
)
