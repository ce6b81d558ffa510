/** An embedding: whole numbers become rows of a learned table. */

import type { EmbeddingLayer } from '../../models/description.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, type Values } from './values.ts'

export function embedding(build: Build, layer: EmbeddingLayer, input: Values, [table]: readonly Slot[]): CompiledLayer {
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const { vocabulary, width } = layer
  const [x, positions] = [input.values, input.channels]
  const output = allocateValues(machine, [positions, width], capacity, training)
  const [y, pitch] = [output.values, 4 * output.pitch]
  return {
    output,
    forward: (rows): Call[] => [() => kernels.embed(x, rows * positions, table.values, vocabulary, width, y, pitch)],
    backpropagate: () => [],
    gradients: (rows): Call[] => {
      const [{ gradient }, to] = [output, target.address(table)]
      if (gradient === undefined) return []
      const count = rows * positions
      return [
        () =>
          kernels.accumulateRows(
            ...([x, count, to, vocabulary, width, gradient, pitch, target.alpha, target.keepKernel] as const),
          ),
      ]
    },
    squaredNorms: (rows, squares): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      return [() => kernels.tableNorms(x, rows, positions, width, gradient, pitch, squares)]
    },
  }
}
