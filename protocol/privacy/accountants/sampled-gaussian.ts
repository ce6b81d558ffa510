/**
 * Rényi divergence of the sampled Gaussian mechanism. Mironov, Talwar and Zhang 2019, "Rényi Differential Privacy of
 * the Sampled Gaussian Mechanism", sections 3.2 and 3.3.
 */

import { logAdd, logBinomial, logExpm1, logSum } from './special.ts'

export interface SampledGaussian {
  /** Standard deviation over sensitivity: z. */
  readonly noiseMultiplier: number
  /** Poisson sampling rate q, 0 to 1. */
  readonly rate: number
}

/** RDP of one step at each order; orders > 1. Neighbours differ by one record added or removed. */
export function sampledGaussianRdp(mechanism: SampledGaussian, orders: readonly number[]): number[] {
  const { noiseMultiplier: z, rate: q } = mechanism
  if (q === 1) return orders.map((order) => order / (2 * z * z))
  const rdp = (k: number): number => k / (2 * z * z)
  const fractional = fractionalMoments(mechanism, Math.max(...orders.filter((order) => !Number.isInteger(order)), 0))
  return orders.map((order) => (Number.isInteger(order) ? sampledRdp(order, q, rdp) : fractional(order) / (order - 1)))
}

/**
 * RDP at a whole order of a mechanism that sees each record with probability `q`, from its divergence `rdp(k)` without
 * sampling: A - 1 = sum over k >= 2 of C(a, k) (1-q)^(a-k) q^k (e^((k-1) rdp(k)) - 1), all terms positive.
 */
export function sampledRdp(order: number, q: number, rdp: (k: number) => number): number {
  if (q === 1) return rdp(order)
  const terms: number[] = []
  for (let k = 2; k <= order; k++) {
    const divergence = (k - 1) * rdp(k)
    if (divergence === Number.POSITIVE_INFINITY) return divergence
    const weight = logBinomial(order, k) + (order - k) * Math.log1p(-q) + k * Math.log(q)
    if (divergence > 0) terms.push(weight + logExpm1(divergence))
  }
  return logAdd(0, logSum(terms)) / (order - 1)
}

/**
 * ln A at fractional orders, A = E[(1 + w)^a] with w = q (e^((2x-1)/(2z²)) - 1) and x normal with deviation z.
 * Since E[w] = 0, A - 1 = E[(1 + w)^a - 1 - a w], whose integrand is never negative: where the paper's two series
 * cancel, this sum keeps its digits. The trapezoid rule converges exponentially on it; w's singularities are pi z² away.
 */
function fractionalMoments(mechanism: SampledGaussian, largest: number): (order: number) => number {
  const { noiseMultiplier: z, rate: q } = mechanism
  const step = Math.min(z / 3, (z * z) / 3)
  const low = Math.floor((-12 * z) / step)
  const high = Math.ceil((largest + 12 * z) / step)
  const points = Array.from({ length: high - low + 1 }, (_, i) => {
    const x = (low + i) * step
    const exponent = (2 * x - 1) / (2 * z * z)
    return {
      logDensity: -0.5 * (x / z) ** 2 - Math.log(z * Math.sqrt(2 * Math.PI)),
      w: q * Math.expm1(Math.min(exponent, 600)),
      /** ln(1 + w) without overflow. */
      log1w: logAdd(Math.log1p(-q), Math.log(q) + exponent),
    }
  })
  return (order) =>
    logAdd(
      0,
      Math.log(step) + logSum(points.map(({ logDensity, w, log1w }) => logDensity + logExcess(order, w, log1w))),
    )
}

/** ln((1 + w)^a - 1 - a w). */
function logExcess(a: number, w: number, log1w: number): number {
  if (a * log1w > 40) return a * log1w
  if (Math.abs(w) > 0.1) return Math.log(Math.expm1(a * log1w) - a * w)
  let term = (a * (a - 1) * w * w) / 2
  let sum = term
  for (let k = 3; Math.abs(term) > 1e-18 * sum; k++) {
    term *= ((a - k + 1) * w) / k
    sum += term
  }
  return Math.log(sum)
}
