/**
 * Federated SGD: each round is one gradient step on all rows of the sites taking part, so that it equals gradient descent
 * on their rows in one place. McMahan et al. 2017, section 2, the baseline with E = 1 and B = infinity.
 */

import * as z from 'zod'
import { type AlgorithmEntry, algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, summed } from './averaging.ts'
import { privateDescent } from './private-descent.ts'
import { privateTraining } from './private-training.ts'
import { training } from './training.ts'

const { learningRate, weightDecay, classWeights, focal } = local
const options = z.strictObject({ learningRate, weightDecay, classWeights, focal, ...summed })

const entry = algorithmEntry<typeof options, unknown>(options, (plan, chosen, discipline) => {
  if (discipline !== undefined) {
    return privateTraining(plan, chosen.preprocessing, discipline, privateDescent(chosen, discipline))
  }
  return training(plan, chosen.preprocessing, (task) =>
    averaging(
      task,
      { ...chosen, localEpochs: 1, batchSize: 1, optimiser: 'sgd' },
      { train: ({ site }, start, run) => run(start, { batchSize: site.training.rows }) },
    ),
  )
})

export const fedSgd: AlgorithmEntry = { ...entry, wholeTable: true }
