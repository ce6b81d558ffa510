/** The least noise that keeps a promise: bisection over an accountant. */

import { InputError } from '../../errors.ts'

/** Smallest noise multiplier, to 1e-6 relative, whose epsilon is at most `target`; `epsilonOf` falls as noise grows. */
export function leastNoise(target: number, epsilonOf: (noiseMultiplier: number) => number): number {
  let low = 1e-2
  let high = 1
  while (epsilonOf(high) > target) {
    low = high
    high *= 2
    if (high > 1e6) throw new InputError('ERR_EPSILON', `no noise keeps epsilon at ${target}: expected a larger one`)
  }
  while (high / low > 1 + 1e-6) {
    const middle = Math.sqrt(low * high)
    if (epsilonOf(middle) > target) low = middle
    else high = middle
  }
  return high
}
