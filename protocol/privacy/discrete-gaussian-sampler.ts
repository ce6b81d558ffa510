/**
 * Exact samples of the discrete Gaussian: whole numbers x with probability proportional to exp(-x²/(2 sigma²)).
 * Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", algorithms 1 to 3. Every number on
 * the way is whole and below 2^53, or a BigInt: nothing is rounded, so there is no last bit to attack (Mironov 2012).
 */

import type { RingVector } from '../crypto/provider.ts'
import type { Random } from '../random.ts'

/** The largest sigma for which the arithmetic stays below 2^53. */
export const largestSigma = 2 ** 20

/** A Laplace variable beyond this many sigma is accepted or not in BigInt; it comes once in e^60 times. */
const farOut = 60

/** Adds one sample to each of the `length` numbers from `start` on, in place, modulo the ring. `sigma` is whole, 1 to 2^20. */
export function addDiscreteGaussian(
  vector: RingVector,
  { start, length, sigma }: { readonly start: number; readonly length: number; readonly sigma: number },
  random: Random,
): void {
  if (!Number.isInteger(sigma) || sigma < 1 || sigma > largestSigma)
    throw new Error(`no sampler for a sigma of ${sigma}`)
  const sample = discreteGaussian(sigma, new Words(random))
  if (vector instanceof Int32Array) {
    for (let i = start; i < start + length; i++) vector[i] = (vector[i] + sample()) | 0
  } else {
    for (let i = start; i < start + length; i++) vector[i] += BigInt(sample())
  }
}

/** Algorithm 3 with t = sigma: a discrete Laplace variable of scale t, kept with probability exp(-(|y| - sigma²/t)²/(2 sigma²)). */
function discreteGaussian(sigma: number, words: Words): () => number {
  const whole = 2 * sigma * sigma
  const keeps = (magnitude: number): boolean => {
    const distance = magnitude > sigma ? magnitude - sigma : sigma - magnitude
    if (distance > farOut * sigma) return keepsFar(BigInt(distance), BigInt(whole), words)
    const square = distance * distance
    const times = Math.floor(square / whole)
    for (let k = 0; k < times; k++) if (!expOne(words)) return false
    return expOf(square - times * whole, whole, words)
  }
  return () => {
    for (;;) {
      // Algorithm 2: u below t, kept with probability exp(-u/t); v as often as exp(-1) comes true; then a sign.
      const u = words.below(sigma)
      if (!expOf(u, sigma, words)) continue
      let v = 0
      while (expOne(words)) v++
      const negative = words.bit()
      const magnitude = u + sigma * v
      if (negative && magnitude === 0) continue
      if (keeps(magnitude)) return negative ? -magnitude : magnitude
    }
  }
}

function keepsFar(distance: bigint, whole: bigint, words: Words): boolean {
  const square = distance * distance
  for (let k = square / whole; k > 0n; k--) if (!expOne(words)) return false
  return expOf(Number(square % whole), Number(whole), words)
}

/**
 * Algorithm 1: true with probability exp(-a/b), 0 <= a <= b. Of the tries k = 1, 2, … that come true with probability
 * a/(k b) the first to fail decides: odd is true. A try is one of a/b and one of 1/k; those of 1/k are drawn together.
 */
function expOf(a: number, b: number, words: Words): boolean {
  const last = words.failing()
  for (let k = 1; k < last; k++) if (words.below(b) >= a) return k % 2 === 1
  return last % 2 === 1
}

const expOne = (words: Words): boolean => words.failing() % 2 === 1

/** 8 * 12!: the largest multiple of 12! that a word holds. */
const factorialMultiple = 8 * 479_001_600

/** `share[k]` of `factorialMultiple` is 1/k!, for k to 12. */
const share = Array.from({ length: 13 }, (_, k) => factorialMultiple / factorial(k))

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1)
}

/** Uniform whole numbers from a generator's bytes. */
class Words {
  readonly #random: Random
  #pool = new Uint32Array(0)
  #next = 0
  #bits = 0
  #bitsLeft = 0

  constructor(random: Random) {
    this.#random = random
  }

  bit(): boolean {
    if (this.#bitsLeft === 0) {
      this.#bits = this.#word()
      this.#bitsLeft = 32
    }
    const bit = this.#bits & 1
    this.#bits >>>= 1
    this.#bitsLeft--
    return bit === 1
  }

  /** 0 to n - 1, n to 2^53: as many bits as n needs, drawn again where they are too much. */
  below(n: number): number {
    if (n <= 2 ** 32) {
      const shift = Math.clz32(n - 1)
      if (shift === 32) return 0
      for (;;) {
        const value = this.#word() >>> shift
        if (value < n) return value
      }
    }
    const shift = Math.clz32(Math.floor((n - 1) / 2 ** 32))
    for (;;) {
      const value = (this.#word() >>> shift) * 2 ** 32 + this.#word()
      if (value < n) return value
    }
  }

  /** Of tries k = 2, 3, … that come true with probability 1/k the first that fails: k or more with probability 1/(k-1)!. */
  failing(): number {
    let word = this.#word()
    while (word >= factorialMultiple) word = this.#word()
    let k = 2
    while (k <= 12 && word < share[k]) k++
    if (k <= 12) return k
    while (this.below(k) === 0) k++
    return k
  }

  #word(): number {
    if (this.#next === this.#pool.length) {
      // A copy, because the bytes may begin anywhere in their buffer.
      const bytes = this.#random.bytes(4 * poolWords).slice()
      this.#pool = new Uint32Array(bytes.buffer)
      this.#next = 0
    }
    return this.#pool[this.#next++]
  }
}

/** What a browser's generator gives at most in one call: 65536 bytes. */
const poolWords = 16_384
