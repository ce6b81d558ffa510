/** What the tests of noise hold samples against: chi-square, exact probabilities, and intervals of shares. */

import { createCipheriv, createHash } from 'node:crypto'
import { normalCdf } from '../../protocol/privacy/accountants/special.ts'
import type { Random } from '../../protocol/random.ts'

/** Millions of bytes that look random and are the same in every run of a test. */
export function seededRandom(seed: string): Random {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), new Uint8Array(16))
  return { bytes: (length) => new Uint8Array(cipher.update(new Uint8Array(length))) }
}

/** Probabilities of the discrete Gaussian on -reach to reach. */
export function discreteGaussianPmf(sigma: number, reach: number): number[] {
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** The chance of a statistic this large or larger under the expected counts (Wilson and Hilferty 1931). */
export function chiSquareP(counts: readonly number[], expected: readonly number[]): number {
  const statistic = counts.reduce((sum, count, i) => sum + (count - expected[i]) ** 2 / expected[i], 0)
  const freedom = counts.length - 1
  const z = (Math.cbrt(statistic / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom))
  return normalCdf(-z)
}

export const variance = (values: ArrayLike<number>): number => {
  let sum = 0
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i]
    squares += values[i] ** 2
  }
  return (squares - sum ** 2 / values.length) / (values.length - 1)
}

/** Clopper and Pearson 1934: the ends of the 95 % interval of a share, `hits` of `tries`. */
export function clopperPearson(hits: number, tries: number): { readonly low: number; readonly high: number } {
  const root = (above: (p: number) => boolean): number => {
    let [low, high] = [0, 1]
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2
      if (above(middle)) high = middle
      else low = middle
    }
    return (low + high) / 2
  }
  return {
    low: hits === 0 ? 0 : root((p) => 1 - binomialCdf(hits - 1, tries, p) > 0.025),
    high: hits === tries ? 1 : root((p) => binomialCdf(hits, tries, p) < 0.025),
  }
}

function binomialCdf(hits: number, tries: number, p: number): number {
  if (p <= 0) return 1
  let log = tries * Math.log1p(-p)
  let sum = Math.exp(log)
  for (let k = 1; k <= hits; k++) {
    log += Math.log((tries - k + 1) / k) + Math.log(p) - Math.log1p(-p)
    sum += Math.exp(log)
  }
  return sum
}
