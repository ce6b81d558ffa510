/** Group norm and layer norm. */

import type { NormLayer } from '../../models/description.ts'
import type { Build, Call, CompiledLayer } from './layer.ts'
import type { Slot } from './parameters.ts'
import { allocateValues, type Values } from './values.ts'

export function norm(build: Build, layer: NormLayer, input: Values, [scale, shift]: readonly Slot[]): CompiledLayer {
  const { machine, capacity, training, target } = build
  const { kernels } = machine
  const output = allocateValues(machine, input.shape, capacity, training)
  const { pixels, channels } = input
  const [each, groups] = layer.type === 'groupNorm' ? [pixels, layer.groups] : [1, 1]
  const blocks = (pixels / each) * groups
  const stats = machine.allocate(2 * capacity * blocks)
  const scratch = build.perRow ? machine.allocate(8 * (scale.panels + shift.panels)) : 0
  const [xPitch, yPitch] = [4 * input.pitch, 4 * output.pitch]
  const [x, y] = [input.values, output.values]

  const accumulate = (row: number, rows: number, to: { scale: number; shift: number }): (() => void) => {
    const { gradient } = output
    if (gradient === undefined) throw new Error('a program for predictions has no gradients')
    const [from, slope, at] = [x + row * pixels * xPitch, gradient + row * pixels * yPitch, stats + 8 * row * blocks]
    return () => {
      const [alpha, keep] = to.scale === scratch && build.perRow ? [1, 0] : [target.alpha, target.keepBias]
      kernels.accumulateNorm(
        ...([from, xPitch, rows, pixels, each, channels, groups, slope, yPitch, at] as const),
        to.scale,
        to.shift,
        alpha,
        keep,
      )
    }
  }

  return {
    output,
    forward: (rows): Call[] => [
      () =>
        kernels.normalise(
          ...([x, xPitch, rows, pixels, each, channels, groups, scale.values, shift.values, y, yPitch, stats] as const),
        ),
    ],
    backpropagate: (rows): Call[] => {
      const [below, gradient] = [input.gradient, output.gradient]
      if (below === undefined || gradient === undefined) return []
      const values = scale.values
      return [
        () =>
          kernels.normaliseBackward(
            ...([x, xPitch, rows, pixels, each, channels, groups, values, gradient, yPitch, stats, below] as const),
          ),
      ]
    },
    gradients: (rows): Call[] => [accumulate(0, rows, { scale: target.address(scale), shift: target.address(shift) })],
    squaredNorms: (rows, squares): Call[] => {
      const to = { scale: scratch, shift: scratch + 32 * scale.panels }
      return Array.from({ length: rows }, (_, row): Call[] => [
        accumulate(row, 1, to),
        () => kernels.addSquaredNorm(scratch, 8 * (scale.panels + shift.panels), squares, row),
      ]).flat()
    },
  }
}
