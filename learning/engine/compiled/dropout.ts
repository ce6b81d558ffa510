/** Dropout: in training a seeded share of the numbers is zero; in prediction nothing happens. */

import type { DropoutLayer } from '../../models/description.ts'
import { dropoutThreshold } from '../dropout.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import { allocateValues, type Values } from './values.ts'

export function dropout(build: Build, layer: DropoutLayer, input: Values, index: number): CompiledLayer {
  const { machine, capacity, training, chance } = build
  const { kernels } = machine
  if (!training) return { output: input, forward: () => [], backpropagate: () => [], gradients: () => [] }
  const output = allocateValues(machine, input.shape, capacity, true)
  const { pixels, channels } = input
  const [threshold, factor] = [dropoutThreshold(layer.rate), 1 / (1 - layer.rate)]
  const [inside, outside] = [4 * input.pitch, 4 * output.pitch]
  const seed = (): number => (chance.seed + index) >>> 0
  return {
    output,
    forward: (rows): Call[] => {
      const [x, y, all] = [input.values, output.values, rows * pixels]
      return [() => kernels.dropout(x, inside, all, channels, seed(), threshold, factor, y, outside)]
    },
    backpropagate: (rows): Call[] => {
      const [below, gradient, all] = [input.gradient, output.gradient, rows * pixels]
      if (below === undefined || gradient === undefined) return []
      return [() => kernels.dropout(gradient, outside, all, channels, seed(), threshold, factor, below, inside)]
    },
    gradients: () => [],
  }
}
