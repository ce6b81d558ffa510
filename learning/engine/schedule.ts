/** The learning rate from step to step: linear warm-up, then constant, in stairs, or along half a cosine (Loshchilov and Hutter 2017). */

export interface Schedule {
  /** Steps over which the rate rises from nothing. */
  readonly warmUp?: number
  /** `every` counts steps after the warm-up; the cosine ends at zero with the last step. */
  readonly decay?: 'none' | 'cosine' | { readonly every: number; readonly factor: number }
}

/** The rate of step `step` (from 0) out of `steps`. */
export function rateAt(rate: number, schedule: Schedule | undefined, step: number, steps: number): number {
  if (schedule === undefined) return rate
  const { warmUp = 0, decay = 'none' } = schedule
  if (step < warmUp) return (rate * (step + 1)) / (warmUp + 1)
  if (decay === 'none') return rate
  if (decay === 'cosine') return rate * halfCosine((step - warmUp) / Math.max(steps - warmUp, 1))
  let decayed = rate
  for (let stairs = Math.floor((step - warmUp) / decay.every); stairs > 0; stairs--) decayed *= decay.factor
  return decayed
}

/** (1 + cos(pi t)) / 2 for t from 0 to 1. By its series: `Math.cos` may differ between JavaScript engines. */
function halfCosine(t: number): number {
  const x = Math.PI * (0.5 - t)
  let term = x
  let sine = x
  for (let n = 2; n < 20; n += 2) {
    term *= (-x * x) / (n * (n + 1))
    sine += term
  }
  return (1 + sine) / 2
}
