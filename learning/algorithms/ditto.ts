/**
 * Ditto: beside the global model every site keeps a model of its own, pulled towards the global one by lambda: fair to
 * sites that differ and robust to those that cheat. Li et al. 2021, "Ditto: Fair and Robust Federated Learning Through
 * Personalization", algorithm 1.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import { training } from './training.ts'

const options = z.strictObject({
  ...local,
  ...summed,
  serverLearningRate,
  /** How strongly the personal model is pulled: 0 trains alone, a large number keeps the global model. */
  lambda: z.number().min(0).max(1000).default(0.1),
  /** Passes over the rows for the personal model. */
  personalEpochs: z.int().min(1).max(1000).default(1),
})

export const ditto = {
  ...algorithmEntry(options, (plan, chosen) =>
    training(plan, chosen.preprocessing, (task) => {
      const { lambda, personalEpochs } = chosen
      return averaging(task, chosen, {
        async train({ memory }, start, run) {
          const trained = await run(start)
          const own = memory.recall('own') ?? start
          // lambda (v - w) = lambda (v - v_0) + lambda (v_0 - w): the trainer's proximal term and a drift.
          const drift = own.map((value, i) => lambda * (value - start[i]))
          const personal = await run(own, { epochs: personalEpochs, proximal: lambda, drift })
          memory.keep('own', personal.parameters)
          return trained
        },
        judged: ({ parameters }, memory) => memory.recall('own') ?? parameters,
      })
    }),
  ),
  personal: true,
} as const
