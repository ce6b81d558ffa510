/** Estimates with 95 % intervals; Wilson's for a proportion (Wilson 1927, eq. 6). */

export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** The 97.5 % quantile of the standard normal distribution. */
export const normalQuantile = 1.959963984540054

/** `successes` of `trials`; the interval holds its level even near 0 and 1. NaN without trials. */
export function wilson(successes: number, trials: number): Estimate {
  const value = successes / trials
  const z2 = normalQuantile ** 2 / trials
  const centre = (value + z2 / 2) / (1 + z2)
  const half = (normalQuantile * Math.sqrt((value * (1 - value)) / trials + z2 / (4 * trials))) / (1 + z2)
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
