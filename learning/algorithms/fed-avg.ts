/**
 * Federated averaging: every site trains from the global parameters on its own rows, and the parameters move by the
 * average of the sites' updates, weighted by their rows. McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", algorithm 1; the proximal term is FedProx, Li et al. 2020, eq. 2.
 */

import * as z from 'zod'
import { preprocessingOptions } from '../data/preprocess.ts'
import { localTraining } from '../engine/options.ts'
import { algorithmEntry } from './algorithm-entry.ts'
import { type TrainingMethod, training } from './training.ts'

const options = z.strictObject({
  /** E of the paper: passes over a site's rows in a round. */
  localEpochs: z.int().min(1).max(1000).default(1),
  /** Among them B of the paper, `batchSize`, and mu of FedProx, `proximal`. */
  ...localTraining,
  /** The largest Euclidean norm of a site's update; a longer one is shortened. It fixes the encoding's scale. */
  clip: z.number().positive().max(1e6).default(20),
  /** What the average is multiplied with before it moves the parameters. */
  serverLearningRate: z.number().positive().max(1000).default(1),
  preprocessing: preprocessingOptions.prefault({}),
})

type Options = z.infer<typeof options>

export const fedAvg = algorithmEntry(options, (plan, chosen) => training(plan, chosen.preprocessing, averaging(chosen)))

/** A loss beyond this is reported as this. */
const largestLoss = 1000

const averaging = (options: Options): TrainingMethod => ({
  reports: ['trainingLoss', 'clipped'],

  lanes: (parameterCount) => [
    // No coordinate of a vector is larger than its norm.
    { name: 'update', length: parameterCount, bound: options.clip, kind: 'real', l2: options.clip },
    { name: 'weight', length: 1, bound: 1, kind: 'real' },
    { name: 'loss', length: 1, bound: largestLoss, kind: 'real' },
    { name: 'clipped', length: 1, bound: 1, kind: 'integer' },
  ],

  async contribute(site, parameters, share, stream) {
    const { localEpochs, clip } = options
    const trained = await site.trainer.train(parameters, site.training, { ...options, epochs: localEpochs }, stream)
    const update = Float64Array.from(parameters, (global, i) => trained.parameters[i] - global)
    const norm = euclideanNorm(update)
    const factor = share * (norm > clip ? clip / norm : 1)
    return {
      update: update.map((value) => bounded(value * factor, clip)),
      weight: Float64Array.of(share),
      loss: Float64Array.of(share * Math.min(largestLoss, trained.loss)),
      clipped: Float64Array.of(norm > clip ? 1 : 0),
    }
  },

  step(parameters, sum) {
    const weight = sum.weight[0]
    const step = options.serverLearningRate / weight
    return {
      parameters: Float32Array.from(parameters, (global, i) => global + step * sum.update[i]),
      report: [sum.loss[0] / weight, sum.clipped[0]],
    }
  },
})

const euclideanNorm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))

/** Rounding may carry a clipped coordinate past the bound by its last bit. */
const bounded = (value: number, bound: number): number => Math.max(-bound, Math.min(bound, value))
