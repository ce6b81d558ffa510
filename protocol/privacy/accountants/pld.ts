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
  const partsOf = (direction: 'remove' | 'add'): Part[] =>
    known.map(({ count, ...gaussian }) => ({ losses: gaussianLosses(gaussian, direction, delta), count }))
  const composed = compose(partsOf('remove'), partsOf('add'), delta)
  return Math.max(...composed.map((losses) => epsilonAt(losses, delta)))
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
  const removes = direction === 'remove'
  const edgesAt = (i: number): Edges => {
    const x = outcomeAt(removes ? i * step : -i * step)
    return { plain: edgeAt(x / z), present: edgeAt((x - 1) / z) }
  }
  let infinite = 1
  let at = edgesAt(first)
  for (let i = first; i < last; i++) {
    const next = edgesAt(i + 1)
    const plain = between(at.plain, next.plain)
    const mixed = (1 - q) * plain + q * between(at.present, next.present)
    at = next
    const [p, other] = removes ? [mixed, plain] : [plain, mixed]
    // What lies between two losses of the grid is split so that both probabilities, under p and under the other, are kept.
    const upper = Math.min(p, Math.max(0, (p - other * Math.exp(i * step)) / -Math.expm1(-step)))
    mass[i - first] += p - upper
    mass[i - first + 1] += upper
    infinite -= p
  }
  return { first, mass, infinite: Math.max(0, infinite) }
}

/** A place on the real line with the probability beyond it, on the side away from 0. */
interface Edge {
  readonly x: number
  readonly beyond: number
}

interface Edges {
  readonly plain: Edge
  readonly present: Edge
}

const edgeAt = (x: number): Edge => ({ x, beyond: Math.exp(logNormalCdf(-Math.abs(x))) })

/** Probability of a standard normal between two places, without cancellation in the tails. */
function between(a: Edge, b: Edge): number {
  if (a.x <= 0 === b.x <= 0) return Math.abs(a.beyond - b.beyond)
  return 1 - a.beyond - b.beyond
}

/** Both directions through one transform: real sequences travel as real and imaginary part of one complex one. */
function compose(removed: readonly Part[], added: readonly Part[], delta: number): readonly [Losses, Losses] {
  const tail = delta * tailShare
  const windows = [removed, added].map((parts) => {
    const first = Math.floor(-reach(parts, -1, tail) / step)
    return { first, length: Math.ceil(reach(parts, 1, tail) / step) - first + 2 }
  })
  const length = 2 ** Math.ceil(Math.log2(Math.max(...windows.map((window) => window.length))))
  const [forth, back] = [unit(length), unit(length)]
  for (const [i, { losses, count }] of removed.entries()) {
    const re = wrapped(losses, length)
    const im = wrapped(added[i].losses, length)
    fourier(re, im, -1)
    multiplyPowers(forth, back, { re, im, count })
  }
  join(forth, back)
  fourier(forth.re, forth.im, 1)
  const finish = (values: Float64Array, parts: readonly Part[], first: number): Losses => {
    const mass = new Float64Array(length)
    for (let i = 0; i < length; i++) mass[i] = Math.max(0, values[modulo(first + i, length)] / length)
    const logFinite = parts.reduce((sum, { losses, count }) => sum + count * Math.log1p(-losses.infinite), 0)
    return { first, mass, infinite: -Math.expm1(logFinite) + 2 * tail }
  }
  return [finish(forth.re, removed, windows[0].first), finish(forth.im, added, windows[1].first)]
}

/** The grid is a circle: what a single step has beyond it comes round, and the composed window is what counts. */
function wrapped({ first, mass }: Losses, length: number): Float64Array {
  const values = new Float64Array(length)
  for (let i = 0, at = modulo(first, length); i < mass.length; i++) {
    values[at] += mass[i]
    at = at + 1 === length ? 0 : at + 1
  }
  return values
}

/** How far the composed loss goes in a direction but for `tail`: Chernoff's bound at the best of many exponents. */
function reach(parts: readonly Part[], sign: 1 | -1, tail: number): number {
  const coarse = parts.map(({ losses, count }) => ({ count, ...inBlocks(losses, sign) }))
  let best = Number.POSITIVE_INFINITY
  for (let exponent = 0.05; exponent < 2000; exponent *= 1.3) {
    let log = 0
    for (const { far, mass, count } of coarse) {
      const largest = exponent * far[0]
      let moment = 0
      for (let i = 0; i < mass.length; i++) moment += mass[i] * Math.exp(exponent * far[i] - largest)
      log += count * (Math.log(moment) + largest)
    }
    const bound = (log - Math.log(tail)) / exponent
    // One valley: past its bottom nothing better comes.
    if (bound > best) return best
    best = bound
  }
  return best
}

/** Losses of the grid that are taken for the farthest of them, where only a bound is wanted. */
const block = 32

/** The farthest loss of each block in a direction, and the mass of the block; from the far end on. */
function inBlocks({ first, mass }: Losses, sign: 1 | -1): { readonly far: Float64Array; readonly mass: Float64Array } {
  const blocks = Math.ceil(mass.length / block)
  const [far, sums] = [new Float64Array(blocks), new Float64Array(blocks)]
  for (let i = 0; i < mass.length; i++) {
    const at = sign === 1 ? mass.length - 1 - i : i
    const b = Math.floor(i / block)
    if (i % block === 0) far[b] = sign * (first + at) * step
    sums[b] += mass[at]
  }
  return { far, mass: sums }
}

interface Complex {
  readonly re: Float64Array
  readonly im: Float64Array
}

const unit = (length: number): Complex => ({ re: new Float64Array(length).fill(1), im: new Float64Array(length) })

/**
 * Multiplies the spectra `a` and `b` by powers of those of the real sequences whose joint transform `re + i im` is: the
 * even part belongs to the first, the odd part to the second. The upper half mirrors the lower one and is left out.
 */
function multiplyPowers(a: Complex, b: Complex, { re, im, count }: Complex & { readonly count: number }): void {
  const { length } = re
  for (let k = 0; k <= length / 2; k++) {
    const mirror = k === 0 ? 0 : length - k
    multiplyPower(a, k, { re: (re[k] + re[mirror]) / 2, im: (im[k] - im[mirror]) / 2, count })
    multiplyPower(b, k, { re: (im[k] + im[mirror]) / 2, im: (re[mirror] - re[k]) / 2, count })
  }
}

function multiplyPower(
  to: Complex,
  k: number,
  { re, im, count }: { readonly re: number; readonly im: number; readonly count: number },
): void {
  const size = Math.sqrt(re * re + im * im) ** count
  const angle = Math.atan2(im, re) * count
  const [cos, sin] = [size * Math.cos(angle), size * Math.sin(angle)]
  const real = to.re[k] * cos - to.im[k] * sin
  to.im[k] = to.re[k] * sin + to.im[k] * cos
  to.re[k] = real
}

/** Puts a + i b, upper halves filled in, into `a`. */
function join(a: Complex, b: Complex): void {
  const { length } = a.re
  for (let k = length / 2 + 1; k < length; k++) {
    const mirror = length - k
    a.re[k] = a.re[mirror] + b.im[mirror]
    a.im[k] = b.re[mirror] - a.im[mirror]
  }
  for (let k = 0; k <= length / 2; k++) {
    const real = a.re[k] - b.im[k]
    a.im[k] += b.re[k]
    a.re[k] = real
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
