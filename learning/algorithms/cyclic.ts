/**
 * Cyclic weight transfer: the model travels from site to site, each trains it and hands it on. Chang et al. 2018,
 * "Distributed deep learning networks among institutions for medical imaging". A round is one site's turn, so its sum is
 * that site's update: nothing is hidden, and only a simulation runs it, to be held against averaging.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, summed } from './averaging.ts'
import { training } from './training.ts'

const options = z.strictObject({ ...local, ...summed })

export const cyclic = {
  ...algorithmEntry(options, (plan, chosen) => training(plan, chosen.preprocessing, (task) => averaging(task, chosen))),
  order: 'one-by-one',
} as const
