/** Draws from a Dirichlet distribution: independent gammas over their sum; gammas by Marsaglia and Tsang 2000. */

import type { Stream } from '../../protocol/stream.ts'

/** `count` shares that add up to 1; the smaller `alpha`, the more one of them has. */
export function dirichlet(count: number, alpha: number, stream: Stream): number[] {
  // In logarithms: with a small alpha most gammas are too small for a number.
  const logs = Array.from({ length: count }, () => logGamma(alpha, stream))
  const largest = Math.max(...logs)
  const weights = logs.map((log) => Math.exp(log - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** The logarithm of a gamma variate of shape `alpha`. */
function logGamma(alpha: number, stream: Stream): number {
  // Below 1: gamma(alpha + 1) times uniform^(1 / alpha).
  if (alpha < 1) return logGamma(alpha + 1, stream) + Math.log(1 - stream.uniform()) / alpha
  const d = alpha - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = stream.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - stream.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}
