/** Adding masks to one stretch of a vector on this thread; the vector's other words may be added elsewhere. */

import { createCipheriv } from 'node:crypto'
import { addStreams, passesOf } from '../add-streams.ts'
import type { Mask, RingVector } from '../provider.ts'

/** Keystream chunk: small enough for the cache, large enough to drown the cost of a call. */
const chunkBytes = 64 * 1024
const blockBytes = 16
const zeros = new Uint8Array(chunkBytes)

/** @param firstWord where `stretch` begins in the whole vector; its first byte begins a block of AES. */
export function addKeystreams(stretch: RingVector, firstWord: number, masks: readonly Mask[]): void {
  const wordBytes = stretch.BYTES_PER_ELEMENT
  const chunkWords = chunkBytes / wordBytes
  const counter = new Uint8Array(blockBytes)
  new DataView(counter.buffer).setUint32(12, (firstWord * wordBytes) / blockBytes)
  for (const { seeds, sign } of passesOf(masks)) {
    const ciphers = seeds.map((seed) => createCipheriv('aes-256-ctr', seed, counter))
    for (let at = 0; at < stretch.length; at += chunkWords) {
      const words = Math.min(stretch.length - at, chunkWords)
      const input = words === chunkWords ? zeros : zeros.subarray(0, words * wordBytes)
      addStreams(stretch, at, { streams: ciphers.map((cipher) => cipher.update(input)), sign })
    }
  }
}
