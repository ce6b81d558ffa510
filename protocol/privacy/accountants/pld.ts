/**
 * Privacy loss distributions of sampled Gaussians, composed by Fourier transform: tight where the Rényi accountant is
 * not. Discretised so that no loss is understated (Doroshenko et al. 2022, "Connect the Dots"); composition as in
 * Koskela, Jälkö and Honkela 2020. Neighbours differ by one record added or removed; both directions are taken.
 */

import type { PrivacyEvent } from '../event.ts'
import { fourier } from './fourier.ts'
import { logNormalCdf } from './special.ts'

/** Distance of the losses on the grid. */
const step = 1e-4

/** Mass beyond the composed grid, counted as lost in full, as a share of delta. */
const tailShare = 1e-6

/** Losses `(first + i) * step` with their probabilities, and the probability of a loss without bound. */
interface Losses {
  readonly first: number
  readonly mass: Float64Array
  readonly infinite: number
}

interface Part {
  readonly losses: Losses
  readonly count: number
}

/** Smallest epsilon at `delta`; `undefined` where an event is none of a Gaussian on all or on Poisson-sampled records. */
export function pldEpsilon(events: readonly PrivacyEvent[], delta: number): number | undefined {
  const gaussians = events.map((event) =>
    event.type === 'gaussian' && event.sampling.type !== 'fixed-size'
      ? {
          noiseMultiplier: event.noiseMultiplier,
          rate: event.sampling.type === 'poisson' ? event.sampling.rate : 1,
          count: event.count,
        }
      : undefined,
  )
  const known = gaussians.filter((gaussian) => gaussian !== undefined)
  if (known.length < gaussians.length) return undefined
  const directions = (['remove', 'add'] as const).map((direction) =>
    known.map(({ count, ...gaussian }): Part => ({ losses: gaussianLosses(gaussian, direction, delta), count })),
  )
  return Math.max(...directions.map((parts) => epsilonAt(compose(parts, delta), delta)))
}

/** One step. With x normal around 0, the loss of removing a record is ln(1 - q + q e^((2x-1)/(2z²))), of adding one minus it. */
function gaussianLosses(
  { noiseMultiplier: z, rate: q }: { readonly noiseMultiplier: number; readonly rate: number },
  direction: 'remove' | 'add',
  delta: number,
): Losses {
  const lossAt = (x: number): number => {
    const exponent = (2 * x - 1) / (2 * z * z)
    return exponent > 700 ? Math.log(q) + exponent : Math.log1p(q * Math.expm1(exponent))
  }
  const outcomeAt = (loss: number): number => {
    const ratio = (Math.expm1(loss) + q) / q
    return ratio <= 0 ? Number.NEGATIVE_INFINITY : z * z * Math.log(ratio) + 0.5
  }
  const far = z * Math.sqrt(2 * (Math.log(1 / delta) + 60))
  const ends = [lossAt(-far), lossAt(1 + far)].map((loss) => (direction === 'remove' ? loss : -loss))
  const first = Math.floor(Math.min(...ends) / step) - 1
  const last = Math.ceil(Math.max(...ends) / step) + 1
  const mass = new Float64Array(last - first + 1)
  const without = (x: number): number => x / z
  const present = (x: number): number => (x - 1) / z
  for (let i = first; i < last; i++) {
    const edges = direction === 'remove' ? [i * step, (i + 1) * step] : [-(i + 1) * step, -i * step]
    const [from, to] = edges.map(outcomeAt)
    const plain = between(without(from), without(to))
    const mixed = (1 - q) * plain + q * between(present(from), present(to))
    const [p, other] = direction === 'remove' ? [mixed, plain] : [plain, mixed]
    // What lies between two losses of the grid is split so that both probabilities, under p and under the other, are kept.
    const upper = Math.min(p, Math.max(0, (p - other * Math.exp(i * step)) / -Math.expm1(-step)))
    mass[i - first] += p - upper
    mass[i - first + 1] += upper
  }
  return { first, mass, infinite: Math.max(0, 1 - mass.reduce((sum, p) => sum + p, 0)) }
}

/** P(a < X <= b) of a standard normal, without cancellation in the tails. */
function between(a: number, b: number): number {
  if (a > 0) return between(-b, -a)
  const [low, high] = [logNormalCdf(a), logNormalCdf(b)]
  return high === Number.NEGATIVE_INFINITY ? 0 : -Math.exp(high) * Math.expm1(low - high)
}

function compose(parts: readonly Part[], delta: number): Losses {
  const tail = delta * tailShare
  const first = Math.floor(-reach(parts, -1, tail) / step)
  const last = Math.ceil(reach(parts, 1, tail) / step)
  const length = 2 ** Math.ceil(Math.log2(last - first + 2))
  const product = { re: new Float64Array(length).fill(1), im: new Float64Array(length) }
  let logFinite = 0
  for (const { losses, count } of parts) {
    const re = new Float64Array(length)
    const im = new Float64Array(length)
    // The grid is a circle: what a single step has beyond it comes round, and the composed window is what counts.
    for (const [i, p] of losses.mass.entries()) re[modulo(losses.first + i, length)] += p
    fourier(re, im, -1)
    multiplyPower(product, { re, im }, count)
    logFinite += count * Math.log1p(-losses.infinite)
  }
  fourier(product.re, product.im, 1)
  const mass = Float64Array.from({ length }, (_, i) => Math.max(0, product.re[modulo(first + i, length)] / length))
  return { first, mass, infinite: -Math.expm1(logFinite) + 2 * tail }
}

/** How far the composed loss goes in a direction but for `tail`: Chernoff's bound at the best of many exponents. */
function reach(parts: readonly Part[], sign: 1 | -1, tail: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let exponent = 0.05; exponent < 2000; exponent *= 1.3) {
    let log = 0
    for (const { losses, count } of parts) {
      const largest = exponent * step * Math.max(sign * losses.first, sign * (losses.first + losses.mass.length - 1))
      let moment = 0
      for (const [i, p] of losses.mass.entries()) {
        if (p > 0) moment += p * Math.exp(sign * exponent * step * (losses.first + i) - largest)
      }
      log += count * (Math.log(moment) + largest)
    }
    best = Math.min(best, (log - Math.log(tail)) / exponent)
  }
  return best
}

interface Complex {
  readonly re: Float64Array
  readonly im: Float64Array
}

function multiplyPower(product: Complex, factor: Complex, power: number): void {
  for (let i = 0; i < product.re.length; i++) {
    const size = Math.hypot(factor.re[i], factor.im[i]) ** power
    const angle = Math.atan2(factor.im[i], factor.re[i]) * power
    const [re, im] = [size * Math.cos(angle), size * Math.sin(angle)]
    const real = product.re[i] * re - product.im[i] * im
    product.im[i] = product.re[i] * im + product.im[i] * re
    product.re[i] = real
  }
}

const modulo = (index: number, length: number): number => ((index % length) + length) % length

/** delta(epsilon) = infinite + sum over losses above epsilon of p (1 - e^(epsilon - loss)), inverted between two losses. */
function epsilonAt({ first, mass, infinite }: Losses, delta: number): number {
  if (infinite >= delta) return Number.POSITIVE_INFINITY
  let above = infinite
  let weighted = 0
  for (let i = mass.length - 1; i >= 0; i--) {
    const loss = (first + i) * step
    if (weighted > 0 && above - Math.exp(loss) * weighted > delta) break
    above += mass[i]
    weighted += mass[i] * Math.exp(-loss)
    if (loss < 0) break
  }
  return above <= delta ? 0 : Math.max(0, Math.log((above - delta) / weighted))
}
