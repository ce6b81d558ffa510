/** A dense layer: y = activation(x w + b). */

import type { DenseLayer } from '../../models/description.ts'
import { activate, deactivate } from './activation.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, roundUp, rowPitch, type Values } from './values.ts'

/** Floats of x that stay in the second-level cache while the panels of w pass by. */
const cachedInputs = 131_072

export function dense(build: Build, layer: DenseLayer, input: Values, [kernel, bias]: readonly Slot[]): CompiledLayer {
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const output = allocateValues(machine, [layer.units], capacity, training)
  const offsets = machine.allocate(roundUp(capacity, 4))
  machine.integers(offsets, roundUp(capacity, 4)).forEach((_, i, all) => {
    all[i] = 4 * rowPitch(input) * i
  })
  const inputs = kernel.rows
  const yPitch = 4 * output.pitch
  const block = Math.max(4, Math.floor(cachedInputs / inputs / 4) * 4)
  const relu = layer.activation === 'relu'

  return {
    output,
    forward: (rows): Call[] => [
      () =>
        kernels.multiply(
          input.values,
          offsets,
          rows,
          1,
          inputs,
          0,
          kernel.values,
          bias.values,
          output.values,
          yPitch,
          kernel.panels,
          block,
          relu,
        ),
      ...(relu ? [] : activate(machine, layer.activation, output, rows)),
    ],
    backpropagate: (rows): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      const below = input.gradient
      return [
        ...deactivate(machine, layer.activation, output, rows),
        ...(below === undefined
          ? []
          : [
              () =>
                kernels.backpropagate(
                  gradient,
                  yPitch,
                  rows,
                  kernel.values,
                  inputs,
                  kernel.panels,
                  below,
                  4 * rowPitch(input),
                ),
            ]),
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
