/**
 * Sites whose loss is a parabola, curvature / 2 |w - centre|^2, so that every step of every method can be computed by hand.
 * The rows only say how much a site counts and how many steps an epoch has.
 */

import type { Site } from '../../learning/algorithms/site.ts'
import { siteMemory } from '../../learning/algorithms/site-memory.ts'
import type { TrainerFactory, TrainOptions } from '../../learning/engine/trainer.ts'
import { layOut } from '../../learning/models/layout.ts'
import { siteOf } from '../learning/algorithms/plans.ts'

export interface Parabola {
  readonly name: string
  readonly rows: number
  readonly curvature: number
  readonly centre: number
}

export const parabolic = ({ name, rows, ...parabola }: Parabola): Site => ({
  ...siteOf(name, rows, 0),
  trainer: trainerOf(parabola),
  memory: siteMemory(),
})

const trainerOf =
  ({ curvature, centre }: Pick<Parabola, 'curvature' | 'centre'>): TrainerFactory =>
  async (model) => ({
    backend: 'parabola',
    parameterCount: layOut(model).parameters,
    initial: () => new Float32Array(layOut(model).parameters),
    async train(start, { rows }, options: TrainOptions) {
      const { epochs, batchSize, learningRate, proximal = 0, drift } = options
      const steps = epochs * Math.ceil(rows / batchSize)
      const w = Float64Array.from(start)
      for (let step = 0; step < steps; step++) {
        for (let i = 0; i < w.length; i++) {
          w[i] -= learningRate * (curvature * (w[i] - centre) + proximal * (w[i] - start[i]) + (drift?.[i] ?? 0))
        }
      }
      return { parameters: Float32Array.from(w), loss: 0, steps }
    },
    predict: async (_, __, rows) => new Float32Array(rows).fill(0.5),
    dispose: () => {},
  })
