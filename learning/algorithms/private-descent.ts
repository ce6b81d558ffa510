/**
 * Gradient descent under noise: every site adds one clipped gradient a person, and the parameters take one step along
 * their sum. It is DP-SGD with all sites as one: the least noise in which a person can be hidden. Kairouz, Liu and
 * Steinke 2021, "The Distributed Discrete Gaussian Mechanism", section 1; Abadi et al. 2016, algorithm 1.
 */

import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import { InputError } from '../../protocol/errors.ts'
import { withinNorm } from '../../protocol/privacy/clip.ts'
import type { Discipline } from '../../protocol/privacy/mechanism.ts'
import type { TrainOptions } from '../engine/trainer.ts'
import { clippedGradientSum } from '../privacy/gradients.ts'
import { draw } from '../privacy/people.ts'
import type { PrivateMethod } from './private-training.ts'

/** What a plan may choose of the descent. */
export interface DescentOptions extends Pick<TrainOptions, 'learningRate' | 'classWeights' | 'focal'> {
  readonly weightDecay: number
}

export function privateDescent(
  options: DescentOptions,
  { unit, population, clip, rate, local }: Discipline,
): PrivateMethod {
  if (unit === 'site' || local !== undefined) {
    const advice = 'choose fed-avg, or noise on the sum for records or patients'
    throw new InputError('ERR_PLAN', `fed-sgd adds one gradient a person: ${advice}`, 'privacy.unit')
  }
  if (clip === undefined)
    throw new InputError('ERR_PLAN', "expected the largest norm of a person's gradient", 'privacy.clip')
  // No site has more people than all together; a sum beyond it is drawn back, which moves people apart no further.
  const whole = population * clip
  return {
    lanes: (length): Lane[] => [{ name: 'gradient', length, bound: whole, kind: 'real', perRecord: clip }],
    async contribute({ trainer, training: examples, people, random }, parameters, stream): Promise<Lanes> {
      const task = { trainer, parameters, examples, clip, loss: options }
      const sum = await clippedGradientSum(task, draw(people, rate, random), stream)
      return { gradient: withinNorm(sum, whole) }
    },
    step: (parameters, sum) => descend(parameters, sum.gradient, population * rate, options),
  }
}

/** Weight decay is on all parameters: it sees the public model alone. */
function descend(
  parameters: Float32Array,
  gradient: Lanes[string],
  weight: number,
  { learningRate, weightDecay }: DescentOptions,
): Float32Array {
  return parameters.map((value, i) => value - learningRate * (gradient[i] / weight + weightDecay * value))
}
