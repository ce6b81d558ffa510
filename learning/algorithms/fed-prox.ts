/**
 * FedProx: FedAvg whose local objective is pulled towards the global parameters by mu/2 |w - w_t|^2, so that sites with
 * other data or other amounts of work drift less. Li et al. 2020, "Federated Optimization in Heterogeneous Networks",
 * algorithm 2. Sites may stop early (the paper's inexact solutions): each draws its number of epochs.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import { training } from './training.ts'

const options = z.strictObject({
  ...local,
  ...summed,
  serverLearningRate,
  /** mu of the paper. */
  proximal: z.number().positive().max(1000).default(0.01),
  /** Share of the sites that only have time for part of their epochs, uniformly from one to all but one. */
  partialWork: z.number().min(0).max(1).default(0),
})

export const fedProx = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) =>
    averaging(task, chosen, {
      train: ({ stream }, start, run) => {
        const time = stream.fork('time')
        const partial = time.uniform() < chosen.partialWork && chosen.localEpochs > 1
        return run(start, { epochs: partial ? 1 + time.below(chosen.localEpochs - 1) : chosen.localEpochs })
      },
    }),
  ),
)
