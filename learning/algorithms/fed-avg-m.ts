/**
 * FedAvgM: the server gathers the rounds' average updates in a velocity and moves by it. Hsu et al. 2019, "Measuring the
 * Effects of Non-Identical Data Distribution for Federated Visual Classification", section 4.3.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, moved, serverLearningRate, summed } from './averaging.ts'
import { training } from './training.ts'

const options = z.strictObject({
  ...local,
  ...summed,
  serverLearningRate,
  /** beta of the paper. */
  serverMomentum: z.number().min(0).max(0.999).default(0.9),
})

export const fedAvgM = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) => {
    const { serverMomentum, serverLearningRate: rate } = chosen
    return averaging(task, chosen, {
      slots: [{ length: task.parameters, initial: 0 }],
      step({ parameters, slots: [before] }, mean) {
        const velocity = mean.map((value, i) => serverMomentum * before[i] + value)
        return { parameters: moved(parameters, velocity, rate), slots: [Float32Array.from(velocity)] }
      },
    })
  }),
)
