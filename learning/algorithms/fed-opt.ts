/**
 * Adaptive server optimisers: the average update is a pseudo-gradient for Adagrad, Adam or Yogi at the server. Reddi et
 * al. 2021, "Adaptive Federated Optimization", algorithm 2.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, summed } from './averaging.ts'
import { training } from './training.ts'

/** The second moment after a round whose squared update is `square`, by the name a plan gives. */
const secondMoments = {
  adagrad: (before: number, square: number) => before + square,
  adam: (before: number, square: number, decay: number) => decay * before + (1 - decay) * square,
  yogi: (before: number, square: number, decay: number) => before - (1 - decay) * square * Math.sign(before - square),
} as const

const decay = z.number().min(0).max(0.9999)
const options = z.strictObject({
  ...local,
  ...summed,
  server: z.enum(['adagrad', 'adam', 'yogi']).default('adam'),
  /** eta of the paper. */
  serverLearningRate: z.number().positive().max(1000).default(0.1),
  /** beta_1, beta_2 and tau, the degree of adaptivity. */
  beta1: decay.default(0.9),
  beta2: decay.default(0.99),
  tau: z.number().positive().max(1).default(1e-3),
})

export const fedOpt = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) => {
    const { server, serverLearningRate: rate, beta1, beta2, tau } = chosen
    const length = task.parameters
    const secondMoment = secondMoments[server]
    return averaging(task, chosen, {
      slots: [
        { length, initial: 0 },
        { length, initial: tau * tau },
      ],
      step({ parameters, slots: [m, v] }, mean) {
        const first = m.map((before, i) => beta1 * before + (1 - beta1) * mean[i])
        const second = v.map((before, i) => secondMoment(before, mean[i] * mean[i], beta2))
        const next = parameters.map((value, i) => value + (rate * first[i]) / (Math.sqrt(second[i]) + tau))
        return { parameters: next, slots: [first, second] }
      },
    })
  }),
)
