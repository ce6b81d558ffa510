/**
 * Normal variables from a cryptographic generator. Box and Muller 1958, on uniforms of 53 bits; four are added and
 * halved, so that the last bits of what leaves do not give away the uniforms (Holohan and Braghin 2021).
 */

import type { Random } from '../random.ts'

/** Pairs that are drawn at once: 64 KiB, what a browser's generator gives in one call. */
const pairs = 4096

export function secretNormals(random: Random): () => number {
  let pool: DataView = new DataView(new ArrayBuffer(0))
  let next = 0
  const uniform = (): number => {
    if (next === pool.byteLength) {
      const bytes = random.bytes(16 * pairs)
      pool = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      next = 0
    }
    const value = (pool.getUint32(next) >>> 5) * 2 ** 26 + (pool.getUint32(next + 4) >>> 6)
    next += 8
    // On (0, 1]: the logarithm of 0 is none.
    return (value + 1) / 2 ** 53
  }
  /** A pair's two normals, independent of each other. */
  const sumOfTwo = (): number => {
    const radius = Math.sqrt(-2 * Math.log(uniform()))
    const angle = 2 * Math.PI * uniform()
    return radius * (Math.cos(angle) + Math.sin(angle))
  }
  return () => (sumOfTwo() + sumOfTwo()) / 2
}
