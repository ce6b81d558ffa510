/**
 * Rényi divergence of a Gaussian on a batch of fixed size, drawn without replacement; neighbours differ by one record
 * replaced. Wang, Balle and Kasiviswanathan 2019, "Subsampled Rényi Differential Privacy", theorem 9, its terms beyond
 * the second tightened by the forward differences of their section 3.3.
 */

import { logAdd, logBinomial, logExpm1 } from './special.ts'

/** Digits that a sum of differences must keep to be believed: what is left of 1e-16 after cancelling this far. */
const trusted = 1e-6

/** `noiseMultiplier` is over what replacing one record can move: twice the clipping norm, for sums of clipped vectors. */
export interface FixedSize {
  readonly noiseMultiplier: number
  readonly population: number
  readonly batch: number
}

/** One number an order; infinite at orders that are not whole, where the theorem says nothing. */
export function withoutReplacementRdp(
  { noiseMultiplier: z, population, batch }: FixedSize,
  orders: readonly number[],
): number[] {
  const plain = (a: number): number => a / (2 * z ** 2)
  if (batch === population) return orders.map(plain)
  const moment = (k: number): number => k * plain(k + 1)
  const whole = orders.filter(Number.isInteger)
  const largest = Math.max(2, ...whole)
  const differences = Array.from({ length: Math.min(mostDifferences, largest / 2 + 1) + 1 }, (_, half) =>
    logDifference(moment, 2 * half),
  )
  const differenceAt = (half: number): number => differences[half] ?? Number.POSITIVE_INFINITY
  /** Of the k-th term what does not depend on the order. */
  const factors = Array.from({ length: largest + 1 }, (_, k) => {
    if (k < 2) return 0
    const tight =
      k === 2 ? logExpm1(plain(2)) : 0.5 * (differenceAt(Math.floor(k / 2)) + differenceAt(Math.ceil(k / 2)))
    return k * Math.log(batch / population) + Math.min(Math.LN2 + moment(k - 1), Math.log(4) + tight)
  })
  return orders.map((order) => {
    if (!Number.isInteger(order)) return Number.POSITIVE_INFINITY
    let log = 0
    for (let k = 2; k <= order; k++) log = logAdd(log, logBinomial(order, k) + factors[k])
    return Math.min(plain(order), log / (order - 1))
  })
}

/** Beyond this many the simple bound serves: it is near where the moments are large. */
const mostDifferences = 64

/** ln of the difference of this order of e^moment(x - 1) at 0; infinite where the digits cancel, so that another bound is taken. */
function logDifference(moment: (k: number) => number, order: number): number {
  const logs = Array.from({ length: order + 1 }, (_, i) => logBinomial(order, i) + (i === 0 ? 0 : moment(i - 1)))
  const largest = Math.max(...logs)
  const sum = logs.reduce((total, log, i) => total + ((order - i) % 2 === 0 ? 1 : -1) * Math.exp(log - largest), 0)
  return sum > trusted ? largest + Math.log(sum) : Number.POSITIVE_INFINITY
}
