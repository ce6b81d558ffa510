/**
 * Update rules on tensors: gradient descent, momentum (Polyak 1964) and Adam (Kingma and Ba 2015, algorithm 1).
 * Written out, because the library's own keep a scalar alive after `dispose` and fix the learning rate at their start.
 */

import * as tf from '@tensorflow/tfjs'
import { unreachable } from '../../../protocol/errors.ts'
import { type OptimiserName, rules } from '../optimisers.ts'

export class Optimiser {
  readonly #name: OptimiserName
  /** One list of running moments a variable. */
  readonly #moments: readonly (readonly tf.Variable[])[]
  #steps = 0

  constructor(name: OptimiserName, variables: readonly tf.Variable[]) {
    this.#name = name
    this.#moments = variables.map((variable) =>
      Array.from({ length: rules[name].moments }, () => tf.tidy(() => tf.variable(tf.zerosLike(variable)))),
    )
  }

  /** A variable without a gradient stays as it is. */
  apply(variables: readonly tf.Variable[], gradients: readonly (tf.Tensor | undefined)[], learningRate: number): void {
    this.#steps++
    for (const [i, variable] of variables.entries()) {
      const gradient = gradients[i]
      if (gradient === undefined) continue
      tf.tidy(() => {
        const direction = this.#direction(this.#moments[i], gradient)
        variable.assign(variable.sub(direction.mul(learningRate)))
      })
    }
  }

  dispose(): void {
    tf.dispose(this.#moments.flat())
  }

  #direction(moments: readonly tf.Variable[], gradient: tf.Tensor): tf.Tensor {
    switch (this.#name) {
      case 'sgd':
        return gradient
      case 'momentum': {
        const [velocity] = moments
        velocity.assign(velocity.mul(rules.momentum.decay).add(gradient))
        return velocity
      }
      case 'adam': {
        const { decay1, decay2, epsilon } = rules.adam
        const [mean, square] = moments
        mean.assign(mean.mul(decay1).add(gradient.mul(1 - decay1)))
        square.assign(square.mul(decay2).add(gradient.square().mul(1 - decay2)))
        const unbiasedMean = mean.div(1 - decay1 ** this.#steps)
        const unbiasedSquare = square.div(1 - decay2 ** this.#steps)
        return unbiasedMean.div(unbiasedSquare.sqrt().add(epsilon))
      }
      default:
        return unreachable(this.#name)
    }
  }
}
