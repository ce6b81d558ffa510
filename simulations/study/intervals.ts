/** Means over a few seeds with their 95 % intervals (Student 1908). */

import type { Estimate } from '../../learning/metrics/interval.ts'

/** 97.5 % quantiles of Student's distribution for 1 to 30 degrees of freedom. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]

export const studentQuantile = (freedom: number): number => quantiles[freedom - 1] ?? 1.96

/** The mean with its interval between seeds; of one seed the estimate as it is. */
export function overSeeds(estimates: readonly Estimate[]): Estimate {
  if (estimates.length === 1) return estimates[0]
  const values = estimates.map(({ value }) => value)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const half = studentQuantile(values.length - 1) * Math.sqrt(variance / values.length)
  // Shares and areas end at 0 and 1; with few seeds the interval would run past them.
  const share = values.every((value) => value >= 0 && value <= 1)
  const [low, high] = [mean - half, mean + half]
  return { value: mean, low: share ? Math.max(0, low) : low, high: share ? Math.min(1, high) : high }
}
