/**
 * Federated averaging: every site trains from the global parameters on its own rows, and the parameters move by the
 * average of the sites' updates, weighted by their rows. McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", algorithm 1.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import { privateAveraging } from './private-averaging.ts'
import { privateTraining } from './private-training.ts'
import { training } from './training.ts'

const options = z.strictObject({ ...local, ...summed, serverLearningRate })

export const fedAvg = algorithmEntry<typeof options, unknown>(options, (plan, chosen, discipline) =>
  discipline === undefined
    ? training(plan, chosen.preprocessing, (task) => averaging(task, chosen))
    : privateTraining(plan, chosen.preprocessing, discipline, privateAveraging(chosen, discipline)),
)
