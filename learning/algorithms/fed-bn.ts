/**
 * FedBN: normalisation layers stay at the sites, everything else is averaged, against sites whose features are shifted or
 * scaled. Li et al. 2021, "FedBN: Federated Learning on Non-IID Features via Local Batch Normalization". Batch norm
 * with its running mean and variance stays, as in the paper, and so do layer and group norm.
 */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { layOut } from '../models/layout.ts'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import type { Task } from './task.ts'
import { training } from './training.ts'

const options = z.strictObject({ ...local, ...summed, serverLearningRate })

export const fedBn = {
  ...algorithmEntry(options, (plan, chosen) =>
    training(plan, chosen.preprocessing, (task) => averaging(task, chosen, { personal: normTensors(task) })),
  ),
  personal: true,
} as const

const normalising: ReadonlySet<string> = new Set(['batchNorm', 'layerNorm', 'groupNorm'])

function normTensors({ model }: Task): readonly string[] {
  const norms = layOut(model).layers.filter(({ layer }) => normalising.has(layer.type))
  if (norms.length > 0) return norms.flatMap(({ tensors }) => tensors.map(({ name }) => name))
  throw new InputError(
    'ERR_PLAN',
    'expected a model with normalisation layers: `norm` of an mlp, `groups` or `batchNorm` of a cnn',
    'model',
  )
}
