/** Which numbers dropout leaves out: the same in every engine, from a seed that is drawn a step and each number's place. */

import type { ModelDescription } from '../models/description.ts'

/** A place is dropped if its hash is below this. */
export const dropoutThreshold = (rate: number): number => Math.floor(rate * 2 ** 32)

/** Whether a step needs a seed at all. */
export const drops = (model: ModelDescription): boolean => model.layers.some((layer) => layer.type === 'dropout')

/** 0 or 1 / (1 - rate) for each of `length` numbers of layer `index`. */
export function dropoutMask(seed: number, index: number, rate: number, length: number): Float32Array {
  const threshold = dropoutThreshold(rate)
  return Float32Array.from({ length }, (_, place) =>
    hash((seed + index) >>> 0, place) >= threshold ? 1 / (1 - rate) : 0,
  )
}

/** The finaliser of MurmurHash3 (Appleby). */
function hash(seed: number, place: number): number {
  let h = (Math.imul(place, 0x9e3779b1) + seed) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0
  return (h ^ (h >>> 16)) >>> 0
}
