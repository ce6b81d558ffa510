/** A dense layer: y = activation(x w + b). */

import type { DenseLayer } from '../../models/description.ts'
import { activate, deactivate } from './activation.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, roundUp, rowOffsets, rowPitch, type Values } from './values.ts'

/** Floats of x that stay in the second-level cache while the panels of w pass by. */
const cachedInputs = 131_072

/** Rows of a panel of w that stay in the first-level cache while the rows of x pass by. */
const cachedRows = 512

export function dense(build: Build, layer: DenseLayer, input: Values, [kernel, bias]: readonly Slot[]): CompiledLayer {
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const output = allocateValues(machine, [layer.units], capacity, training)
  const offsets = rowOffsets(machine, capacity, 4 * rowPitch(input))
  const slopeOffsets = rowOffsets(machine, capacity, 4 * output.pitch)
  const turned = training && input.gradient !== undefined ? machine.allocate(64 * kernel.panels) : 0
  const inputs = kernel.rows
  const yPitch = 4 * output.pitch
  const relu = layer.activation === 'relu'

  return {
    output,
    forward: (rows): Call[] => [
      ...stretches(inputs).map(({ first, length, last }): Call => {
        const [x, w] = [input.values + 4 * first, kernel.values + 32 * first]
        const block = Math.max(4, Math.floor(cachedInputs / length / 4) * 4)
        return () =>
          kernels.multiply(
            ...([x, offsets, rows, 1, length, 0, w, 32 * inputs, bias.values] as const),
            ...([output.values, yPitch, kernel.panels, block, first > 0, relu && last] as const),
          )
      }),
      ...(relu ? [] : activate(machine, layer.activation, output, rows)),
    ],
    backpropagate: (rows): Call[] => {
      const [below, gradient] = [input.gradient, output.gradient]
      if (gradient === undefined) return []
      const own = deactivate(machine, layer.activation, output, rows)
      if (below === undefined) return own
      const [w, panels, pitch] = [kernel.values, kernel.panels, 4 * rowPitch(input)]
      return [
        ...own,
        () => kernels.backpropagate(gradient, slopeOffsets, rows, w, inputs, panels, below, pitch, turned),
      ]
    },
    gradients: (rows): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      const [toKernel, toBias] = [target.address(kernel), target.address(bias)]
      return [
        () =>
          kernels.accumulate(
            input.values,
            offsets,
            rows,
            1,
            inputs,
            0,
            gradient,
            yPitch,
            toKernel,
            kernel.panels,
            rows,
            target.alpha,
            target.keepKernel,
          ),
        () => kernels.accumulateBias(gradient, yPitch, rows, toBias, bias.panels, target.alpha, target.keepBias),
      ]
    },
    squaredNorms: (rows, squares): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      return [() => kernels.denseNorms(input.values, 4 * rowPitch(input), inputs, gradient, yPitch, rows, squares)]
    },
  }
}

/** Rows of w in parts that stay in the cache. */
function stretches(inputs: number): { readonly first: number; readonly length: number; readonly last: boolean }[] {
  const count = Math.ceil(inputs / cachedRows)
  const each = roundUp(inputs / count, 4)
  return Array.from({ length: count }, (_, i) => {
    const first = i * each
    return { first, length: Math.min(each, inputs - first), last: i === count - 1 }
  })
}
