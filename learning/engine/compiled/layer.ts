/** What a layer compiles to: calls of kernels on fixed addresses, made once and run at every step. */

import type { Machine } from './machine.ts'
import type { Slot } from './parameters.ts'
import type { Values } from './values.ts'

/** One kernel call with its arguments bound. */
export type Call = () => void

/** What is shared by the layers of a program. */
export interface Build {
  readonly machine: Machine
  /** The largest batch. */
  readonly capacity: number
  readonly training: boolean
  /** Whether the gradients of single rows are measured. */
  readonly perRow: boolean
  /** Where gradients go: into their own region, or straight into the parameters as a descent step. */
  readonly target: Target
  /** Drawn anew before each batch; dropout follows it. */
  readonly chance: { seed: number }
}

/** `to = keep * to + alpha * gradient`: (1, 0) stores the gradient, (-rate, 1 - rate * decay) is the step itself. */
export interface Target {
  readonly address: (slot: Slot) => number
  alpha: number
  keepKernel: number
  keepBias: number
}

export interface CompiledLayer {
  readonly output: Values
  forward(rows: number): Call[]
  /** From the output's gradient to the input's; left out for the first layer. May overwrite the output's gradient. */
  backpropagate(rows: number): Call[]
  /** From the output's gradient, as `backpropagate` left it, to the parameters' gradients. */
  gradients(rows: number): Call[]
  /** Adds each row's squared norm over this layer's gradients to `squares`, in float64. Only where there are parameters. */
  squaredNorms?(rows: number, squares: number): Call[]
}
