/** Activations as calls over a buffer. */

import { unreachable } from '../../../protocol/errors.ts'
import { type Activation, leakySlope } from '../../models/description.ts'
import type { Call } from './layer.ts'
import type { Machine } from './machine.ts'
import { extent, type Values } from './values.ts'

export function activate({ kernels }: Machine, activation: Activation, output: Values, rows: number): Call[] {
  const length = extent(output, rows)
  switch (activation) {
    case 'linear':
      return []
    case 'relu':
      return [() => kernels.reluForward(output.values, length)]
    case 'leaky-relu':
      return [() => kernels.leakyReluForward(output.values, length, leakySlope)]
    case 'elu':
      return [() => kernels.eluForward(output.values, length)]
    case 'softplus':
      return [() => kernels.softplusForward(output.values, length)]
    case 'sigmoid':
      return [() => kernels.sigmoidForward(output.values, length)]
    case 'tanh':
      return [() => kernels.tanhForward(output.values, length)]
    default:
      return unreachable(activation)
  }
}

/** Turns the gradient of the activations into that of what went in, in place. */
export function deactivate({ kernels }: Machine, activation: Activation, output: Values, rows: number): Call[] {
  const { values, gradient } = output
  if (gradient === undefined) return []
  const length = extent(output, rows)
  switch (activation) {
    case 'linear':
      return []
    case 'relu':
      return [() => kernels.reluBackward(values, gradient, length)]
    case 'leaky-relu':
      return [() => kernels.leakyReluBackward(values, gradient, length, leakySlope)]
    case 'elu':
      return [() => kernels.eluBackward(values, gradient, length)]
    case 'softplus':
      return [() => kernels.softplusBackward(values, gradient, length)]
    case 'sigmoid':
      return [() => kernels.sigmoidBackward(values, gradient, length)]
    case 'tanh':
      return [() => kernels.tanhBackward(values, gradient, length)]
    default:
      return unreachable(activation)
  }
}
