/**
 * Personal heads: the sites share the layers that represent the data and each keeps its own last layer. A round first
 * fits the head on the shared representation, then moves the representation under that head. Collins et al. 2021,
 * "Exploiting Shared Representations for Personalized Federated Learning", algorithm 1.
 */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { layOut } from '../models/layout.ts'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, serverLearningRate, summed } from './averaging.ts'
import type { Task } from './task.ts'
import { training } from './training.ts'

const options = z.strictObject({
  ...local,
  ...summed,
  serverLearningRate,
  /** Passes that fit the head before those of `localEpochs` that move the representation. */
  headEpochs: z.int().min(1).max(1000).default(2),
})

export const fedRep = {
  ...algorithmEntry(options, (plan, chosen) =>
    training(plan, chosen.preprocessing, (task) => {
      const { head, body } = parts(task)
      return averaging(task, chosen, {
        personal: head,
        async train(_, start, run) {
          const fitted = await run(start, { epochs: chosen.headEpochs, frozen: body })
          return run(fitted.parameters, { frozen: head })
        },
      })
    }),
  ),
  personal: true,
} as const
/** Names of the last layer's tensors and of all others. */
function parts({ model }: Task): { readonly head: readonly string[]; readonly body: readonly string[] } {
  const layers = layOut(model).layers.map(({ tensors }) => tensors.map(({ name }) => name))
  const head = layers.at(-1) ?? []
  const body = layers.slice(0, -1).flat()
  if (body.length > 0) return { head, body }
  throw new InputError(
    'ERR_PLAN',
    'expected a model with layers below its last one, which stays at the site; try "mlp"',
    'model.name',
  )
}
