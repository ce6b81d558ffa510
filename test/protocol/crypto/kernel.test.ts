import { expect, test } from 'vitest'
import type { CryptoProvider, Mask, RingVector } from '../../../protocol/crypto/provider.ts'
import { addBySubtle, fastestAddMasks } from '../../../protocol/crypto/web/add-masks.ts'
import { openKernel } from '../../../protocol/crypto/web/kernel.ts'
import { plainlyMasked } from '../../contracts/crypto-provider.ts'

type AddMasks = CryptoProvider['addMasks']

async function kernel(): Promise<AddMasks> {
  const opened = await openKernel()
  if (opened === undefined) throw new Error('Node runs WebAssembly with SIMD')
  return opened
}

const masks = (count: number): Mask[] =>
  Array.from({ length: count }, (_, i) => ({
    seed: Uint8Array.from({ length: 32 }, (_, k) => (i * 37 + k * 11) % 256),
    sign: i % 3 === 0 ? -1 : 1,
  }))

const words = (vector: RingVector): Buffer => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

test.each([
  ['the kernel', kernel],
  ['WebCrypto', () => Promise.resolve(addBySubtle(crypto.subtle))],
  ['the faster of both', () => fastestAddMasks(crypto.subtle)],
])('%s masks as the oracle does, around the ends of blocks, batches and chunks', async (_name, open) => {
  const addMasks = await open()
  for (const length of [0, 1, 3, 31, 33, 16_383, 16_385, 32_769, 262_145])
    for (const vector of [new Int32Array(length).fill(length), new BigInt64Array(length).fill(BigInt(length))]) {
      const wanted = masks(1 + (length % 7))
      const expected = plainlyMasked(vector, wanted)
      await addMasks(vector, wanted)
      expect(words(vector).equals(words(expected)), `${length} words`).toBe(true)
    }
})

test('two vectors that are masked at once do not mix: the kernel gives others a turn between chunks only', async () => {
  const addMasks = await kernel()
  const vectors = [1, 2, 3].map((value) => new Int32Array(1_000_000).fill(value))
  const expected = vectors.map((vector, i) => plainlyMasked(vector, masks(4 + i)))
  await Promise.all(vectors.map((vector, i) => addMasks(vector, masks(4 + i))))
  for (const [i, vector] of vectors.entries()) expect(words(vector).equals(words(expected[i]))).toBe(true)
})
