/**
 * Random-k: each round sums only some coordinates of the updates, the same at every site because a public seed names
 * them, so that the secure sum stays a plain sum. What a site did not send it adds to its next update. Stich et al. 2018,
 * "Sparsified SGD with memory", algorithm 1; quantisation is the encoding's (`encoding.bits`).
 */

import * as z from 'zod'
import { Stream } from '../../protocol/stream.ts'
import type { LocalWork } from './training.ts'

export const compressionOptions = z.strictObject({
  /** Share of the coordinates that travel in a round. */
  keep: z.number().positive().max(1),
  /** Whether a site remembers what it left out; otherwise what travels is scaled up so that the mean stays right. */
  feedback: z.boolean().default(true),
})

export type Compression = z.infer<typeof compressionOptions>

/** Which numbers of an update travel in a round. */
export interface Sent {
  readonly count: number
  /** At the site: the numbers that travel; may be the update itself. */
  take(update: Float64Array, work: Pick<LocalWork, 'memory' | 'round'>): Float64Array
  /** The sum's numbers times `factor` in their places among `length`; zeros elsewhere. */
  spread(
    values: ArrayLike<number>,
    factor: number,
    at: { readonly length: number; readonly round: number },
  ): Float64Array
  /** The parameters moved by `rate` times what `spread` gives, without those numbers in between: they are the largest there are. */
  move(parameters: Float32Array, values: ArrayLike<number>, by: Move): Float32Array
}

interface Move {
  readonly factor: number
  readonly rate: number
  readonly round: number
}

interface Coordinates {
  readonly of: number
  /** Those that may travel at all, ascending; `undefined` where all may. */
  readonly travelling: Uint32Array | undefined
}

export function sentCoordinates(coordinates: Coordinates, compression: Compression | undefined, seed: number): Sent {
  if (compression === undefined) {
    const { of, travelling } = coordinates
    return travelling === undefined ? everything(of) : placed(() => travelling, travelling.length)
  }
  const { keep, feedback } = compression
  const travelling = coordinates.travelling ?? Uint32Array.from({ length: coordinates.of }, (_, i) => i)
  const count = Math.max(1, Math.round(keep * travelling.length))
  const chosen = (round: number): Uint32Array => draw(travelling, count, new Stream(`${seed}/coordinates/${round}`))
  const sent = placed(chosen, count)
  if (!feedback) {
    const unbias = travelling.length / count
    return {
      ...sent,
      spread: (values, factor, at) => sent.spread(values, factor * unbias, at),
      move: (parameters, values, by) => sent.move(parameters, values, { ...by, factor: by.factor * unbias }),
    }
  }
  return {
    ...sent,
    take(update, work) {
      const left = work.memory.recall('left')
      const whole = left === undefined ? update : update.map((value, i) => value + left[i])
      const values = sent.take(whole, work)
      const rest = Float32Array.from(whole)
      for (const i of chosen(work.round)) rest[i] = 0
      work.memory.keep('left', rest)
      return values
    },
  }
}

/** Nothing is moved. */
const everything = (count: number): Sent => ({
  count,
  take: (update) => update,
  spread(values, factor) {
    const whole = new Float64Array(count)
    for (let i = 0; i < count; i++) whole[i] = factor * values[i]
    return whole
  },
  move(parameters, values, { factor, rate }) {
    const next = new Float32Array(count)
    for (let i = 0; i < count; i++) next[i] = parameters[i] + rate * (factor * values[i])
    return next
  },
})

const placed = (chosen: (round: number) => Uint32Array, count: number): Sent => ({
  count,
  take(update, { round }) {
    const values = new Float64Array(count)
    const from = chosen(round)
    for (let i = 0; i < count; i++) values[i] = update[from[i]]
    return values
  },
  spread(values, factor, { length, round }) {
    const whole = new Float64Array(length)
    const to = chosen(round)
    for (let i = 0; i < count; i++) whole[to[i]] = factor * values[i]
    return whole
  },
  move(parameters, values, { factor, rate, round }) {
    const to = chosen(round)
    const next = new Float32Array(parameters.length)
    // Zero is added, because a zero may have been a negative one.
    for (let i = 0; i < next.length; i++) next[i] = parameters[i] + 0
    for (let i = 0; i < count; i++) next[to[i]] = parameters[to[i]] + rate * (factor * values[i])
    return next
  },
})

/** `count` of the numbers, uniformly without replacement (the first steps of Fisher and Yates), in ascending order. */
function draw(from: Uint32Array, count: number, stream: Stream): Uint32Array {
  const order = from.slice()
  for (let i = 0; i < count; i++) {
    const j = i + stream.below(order.length - i)
    const swapped = order[i]
    order[i] = order[j]
    order[j] = swapped
  }
  return order.slice(0, count).sort()
}
