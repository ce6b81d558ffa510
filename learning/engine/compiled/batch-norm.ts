/** Batch norm: by the batch's own mean and variance in training, by the running ones in prediction. */

import { runningShare } from '../../models/description.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, type Values } from './values.ts'

export function batchNorm(build: Build, input: Values, slots: readonly Slot[]): CompiledLayer {
  const [scale, shift, mean, variance] = slots
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const output = allocateValues(machine, input.shape, capacity, training)
  const length = 8 * scale.panels
  const [level, spread] = training
    ? [machine.allocate(length), machine.allocate(length)]
    : [mean.values, variance.values]
  const [x, xPitch, y, yPitch] = [input.values, 4 * input.pitch, output.values, 4 * output.pitch]
  const stats = (rows: number) => [x, xPitch, rows * input.pixels, length, level, spread] as const

  return {
    output,
    forward: (rows): Call[] => [
      ...(training
        ? [
            () => kernels.moments(...stats(rows)),
            () => kernels.follow(mean.values, level, length, runningShare),
            () => kernels.follow(variance.values, spread, length, runningShare),
          ]
        : []),
      () => kernels.normaliseChannels(...stats(rows), scale.values, shift.values, y, yPitch),
    ],
    backpropagate: (rows): Call[] => {
      const [below, gradient] = [input.gradient, output.gradient]
      if (below === undefined || gradient === undefined) return []
      return [() => kernels.normaliseChannelsBackward(...stats(rows), scale.values, gradient, yPitch, below)]
    },
    gradients: (rows): Call[] => {
      const { gradient } = output
      if (gradient === undefined) return []
      const [toScale, toShift, positions] = [target.address(scale), target.address(shift), rows * input.pixels]
      return [
        () => kernels.accumulateScale(...stats(rows), gradient, yPitch, toScale, target.alpha, target.keepBias),
        () => kernels.accumulateBias(gradient, yPitch, positions, toShift, shift.panels, target.alpha, target.keepBias),
      ]
    },
  }
}
