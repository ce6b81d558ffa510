/** Adding keystreams to a vector: the inner loop of every provider, four streams a pass so that the vector is read once. */

import type { Mask, RingVector } from './provider.ts'

/** How many keystreams one pass adds. */
export const streamsPerPass = 4

/** Masks of one sign, at most `streamsPerPass` of them: what one pass over the vector adds or subtracts. */
export interface Pass {
  readonly sign: Mask['sign']
  readonly seeds: readonly Uint8Array[]
}

/** Masks grouped into passes; addition commutes, so their order is free. */
export function passesOf(masks: readonly Mask[]): Pass[] {
  return ([1, -1] as const).flatMap((sign) => {
    const seeds = masks.filter((mask) => mask.sign === sign).map(({ seed }) => seed)
    return Array.from({ length: Math.ceil(seeds.length / streamsPerPass) }, (_, i) => ({
      sign,
      seeds: seeds.slice(i * streamsPerPass, (i + 1) * streamsPerPass),
    }))
  })
}

/** vector[at …] += sign * (every stream), word by word; streams are keystream bytes of one length. */
export function addStreams(
  vector: RingVector,
  at: number,
  { streams, sign }: { readonly streams: readonly Uint8Array[]; readonly sign: Mask['sign'] },
): void {
  if (vector instanceof Int32Array) addInt32(vector, at, { words: streams.map(int32Words), sign })
  else addInt64(vector, at, { words: streams.map(int64Words), sign })
}

interface Words<T> {
  readonly words: readonly T[]
  readonly sign: Mask['sign']
}

function addInt32(vector: Int32Array, at: number, { words, sign }: Words<Int32Array>): void {
  if (words.length !== streamsPerPass) {
    for (const one of words) {
      if (sign === 1) for (let i = 0; i < one.length; i++) vector[at + i] = (vector[at + i] + one[i]) | 0
      else for (let i = 0; i < one.length; i++) vector[at + i] = (vector[at + i] - one[i]) | 0
    }
    return
  }
  const [a, b, c, d] = words
  const end = at + a.length
  // The inner `| 0` keep every step in 32-bit arithmetic; without them the engine adds in floating point.
  if (sign === 1) {
    for (let k = at, i = 0; k < end; k++, i++)
      vector[k] = (vector[k] + ((((a[i] + b[i]) | 0) + ((c[i] + d[i]) | 0)) | 0)) | 0
  } else {
    for (let k = at, i = 0; k < end; k++, i++)
      vector[k] = (vector[k] - ((((a[i] + b[i]) | 0) + ((c[i] + d[i]) | 0)) | 0)) | 0
  }
}

function addInt64(vector: BigInt64Array, at: number, { words, sign }: Words<BigInt64Array>): void {
  for (const one of words) {
    if (sign === 1) for (let i = 0; i < one.length; i++) vector[at + i] += one[i]
    else for (let i = 0; i < one.length; i++) vector[at + i] -= one[i]
  }
}

/** Words of the machine are little-endian wherever this runs; a pooled buffer may start anywhere, words may not. */
function int32Words(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}

function int64Words(bytes: Uint8Array): BigInt64Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
  return new BigInt64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8)
}
