/**
 * SCAFFOLD: control variates c (common) and c_i (the site's own) estimate the gradients of all and of one; every local
 * step is corrected by c - c_i, so that sites with different data no longer drift apart. Karimireddy et al. 2020,
 * "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", algorithm 1 with option II. Sites count by their
 * rows where the paper counts them alike; what the sites' controls changed by is a lane of the secure sum.
 */

import * as z from 'zod'
import { algorithmEntry } from './algorithm-entry.ts'
import { averaging, local, moved, serverLearningRate, shortened, summed } from './averaging.ts'
import { training } from './training.ts'

// c_i is read off a walk of plain steps of one length.
const { optimiser: _, schedule: __, ...walk } = local
const options = z.strictObject({
  ...walk,
  ...summed,
  serverLearningRate,
  /** The largest norm of what a site's control changes by in a round; a longer change is shortened. */
  controlClip: z.number().positive().max(1e6).default(20),
})

export const scaffold = algorithmEntry(options, (plan, chosen) =>
  training(plan, chosen.preprocessing, (task) => {
    const { learningRate, controlClip, serverLearningRate: rate } = chosen
    const length = task.parameters
    return averaging(
      task,
      { ...chosen, optimiser: 'sgd' },
      {
        slots: [{ length, initial: 0 }],
        lanes: [{ name: 'control', length, bound: controlClip, kind: 'real', l2: controlClip }],
        train: (
          {
            global: {
              slots: [common],
            },
            memory,
          },
          start,
          run,
        ) => {
          const own = memory.recall('control')
          return run(start, { drift: own === undefined ? common : common.map((value, i) => value - own[i]) })
        },
        add(
          {
            global: {
              slots: [common],
            },
            memory,
          },
          { update, steps },
        ) {
          // c_i+ = c_i - c + (x - y_i) / (K eta)
          const change = shortened(
            update.map((value, i) => -common[i] - value / (steps * learningRate)),
            controlClip,
          )
          const own = memory.recall('control')
          memory.keep(
            'control',
            Float32Array.from(change, (value, i) => (own?.[i] ?? 0) + value),
          )
          return { control: change }
        },
        step: ({ parameters, slots: [common] }, mean, sum) => ({
          parameters: moved(parameters, mean, rate),
          // The weights are shares of all sites' rows: those of the sites taking part add up to |S| / N.
          slots: [common.map((value, i) => value + sum.control[i])],
        }),
      },
    )
  }),
)
