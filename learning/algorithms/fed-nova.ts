/**
 * FedNova: sites that take more steps would pull the average their way; each update is divided by its own number of
 * effective steps, and the average is multiplied by the mean number. Wang et al. 2020, "Tackling the Objective
 * Inconsistency Problem in Heterogeneous Federated Optimization", eq. 4 and section 4 (momentum and proximal steps).
 */

import * as z from 'zod'
import { rules } from '../engine/optimisers.ts'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, moved, serverLearningRate, summed } from './averaging.ts'
import { training } from './training.ts'

const { schedule: _, ...walk } = local
const options = z.strictObject({
  ...walk,
  ...summed,
  serverLearningRate,
  optimiser: z.enum(['sgd', 'momentum']).default('sgd'),
  /** Effective steps beyond this count as this; it fixes the encoding of the number of steps. */
  mostSteps: z.int().min(1).max(1_000_000).default(10_000),
})

type Options = z.infer<typeof options>

export const fedNova = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) =>
    averaging(task, chosen, {
      lanes: [{ name: 'steps', length: 1, bound: chosen.mostSteps, kind: 'real' }],
      scale: ({ steps }) => 1 / effectiveSteps(steps, chosen),
      add: (_, { steps }) => ({ steps: Float64Array.of(effectiveSteps(steps, chosen)) }),
      step: (global, mean, sum) => {
        const rate = (chosen.serverLearningRate * sum.steps[0]) / sum.weight[0]
        return { ...global, parameters: moved(global.parameters, mean, rate) }
      },
    }),
  ),
)

/** |a|_1 of the paper: how far `steps` equal gradients carry, in single plain steps. */
export function effectiveSteps(
  steps: number,
  {
    optimiser,
    proximal,
    learningRate,
    mostSteps,
  }: Pick<Options, 'optimiser' | 'proximal' | 'learningRate' | 'mostSteps'>,
): number {
  const keep = 1 - learningRate * proximal
  let total = 0
  let velocity = 0
  for (let i = 0; i < steps && total < mostSteps; i++) {
    velocity = optimiser === 'momentum' ? rules.momentum.decay * velocity + 1 : 1
    total = keep * total + velocity
  }
  return Math.max(1, Math.min(mostSteps, total))
}
