/**
 * Reproducible choices: a public stream of numbers derived from a seed and a label, for splits, shuffles, initial
 * weights and rounding coins. Never for a secret: whoever knows the plan knows the stream.
 * Generator: xoshiro128** 1.1, Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators".
 */

import { sha256 } from '@noble/hashes/sha2.js'
import { utf8 } from './bytes.ts'

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

const scrambled = (s: number): number => Math.imul(rotateLeft(Math.imul(s, 5), 7), 9) >>> 0

export class Stream {
  readonly #state: Uint32Array
  readonly #label: string
  #spareNormal: number | undefined

  /** Equal labels give equal streams; a label is written like a path: `plan seed/site/round/purpose`. */
  constructor(label: string) {
    const digest = sha256(utf8(`concordat/stream/${label}`))
    const view = new DataView(digest.buffer, digest.byteOffset)
    this.#label = label
    this.#state = Uint32Array.from({ length: 4 }, (_, i) => view.getUint32(4 * i))
  }

  /** An independent stream for a part of the work; drawing from one never moves the other. */
  fork(label: string): Stream {
    return new Stream(`${this.#label}/${label}`)
  }

  /** A stream that gives what this one would give from here on; drawing from one does not move the other. */
  copy(): Stream {
    const same = new Stream(this.#label)
    same.#state.set(this.#state)
    same.#spareNormal = this.#spareNormal
    return same
  }

  /** Uniform on 0 .. 2^32 - 1. */
  uint32(): number {
    const s = this.#state
    const result = scrambled(s[1])
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotateLeft(s[3], 11)
    return result
  }

  /** Uniform on [0, 1), 53 bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000
  }

  /** The next `into.length` of what `uniform` gives. */
  uniforms(into: Float64Array): void {
    // The generator of `uint32` on four numbers of this function: a vector of millions is rounded with it.
    const s = this.#state
    let [a, b, c, d] = s
    const step = (): void => {
      const t = b << 9
      c ^= a
      d ^= b
      b ^= c
      a ^= d
      c ^= t
      d = (d << 11) | (d >>> 21)
    }
    for (let i = 0; i < into.length; i++) {
      const high = scrambled(b)
      step()
      const low = scrambled(b)
      step()
      into[i] = ((high >>> 5) * 0x4000000 + (low >>> 6)) / 0x20000000000000
    }
    s.set([a, b, c, d])
  }

  /** Uniform on 0 .. `below` - 1, `below` from 1 to 2^32, without bias. */
  below(below: number): number {
    const limit = 0x100000000 - (0x100000000 % below)
    for (;;) {
      const value = this.uint32()
      if (value < limit) return value % below
    }
  }

  /** Standard normal; Marsaglia's polar method. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal
      this.#spareNormal = undefined
      return spare
    }
    for (;;) {
      const u = 2 * this.uniform() - 1
      const v = 2 * this.uniform() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s)
        this.#spareNormal = v * factor
        return u * factor
      }
    }
  }

  /** The numbers 0 .. `length` - 1 in a uniformly random order (Fisher and Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, i) => i)
    for (let i = length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const swapped = order[i]
      order[i] = order[j]
      order[j] = swapped
    }
    return order
  }
}
