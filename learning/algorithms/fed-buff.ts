/**
 * FedBuff: sites do not wait for each other; the global step is taken whenever a buffer of K updates is full, and an
 * update counts less the more steps were taken since its site began. Nguyen et al. 2022, "Federated Learning with Buffered
 * Asynchronous Aggregation", algorithm 1 with the weight 1 / sqrt(1 + staleness). The buffer is a secure sum like any
 * other. A run in which all sites wait, as deployed ones do, has no stale updates and is FedAvg.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import { training } from './training.ts'

const options = z.strictObject({ ...local, ...summed, serverLearningRate })

export const fedBuff = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) =>
    averaging(task, chosen, { weigh: ({ staleness }) => 1 / Math.sqrt(1 + staleness) }),
  ),
)
