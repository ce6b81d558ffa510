import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { addInThreads } from '../../../protocol/crypto/node/mask-pool.ts'
import { createNodeProvider } from '../../../protocol/crypto/node/provider.ts'
import type { Mask, RingVector } from '../../../protocol/crypto/provider.ts'
import { plainlyMasked } from '../../contracts/crypto-provider.ts'

const masks = Array.from(
  { length: 7 },
  (_, i): Mask => ({ seed: new Uint8Array(32).fill(i + 1), sign: i % 3 === 0 ? -1 : 1 }),
)

const random = <T extends RingVector>(vector: T): T => {
  new Uint8Array(vector.buffer).set(randomBytes(vector.byteLength))
  return vector
}

const bytesOf = (vector: RingVector): Buffer => Buffer.from(vector.buffer)

/** Stretches of a megabyte: less than one, one and a bit, several. */
test.each([1, 262_143, 262_145, 900_001])('threads add the masks to %s words as plain loops do', async (length) => {
  for (const vector of [random(new Int32Array(length)), random(new BigInt64Array(length))]) {
    const expected = plainlyMasked(vector, masks)
    await addInThreads(vector, masks)
    expect(bytesOf(vector).equals(bytesOf(expected))).toBe(true)
  }
})

test('several vectors asked for at once do not mix, and the seeds stay with their owner', async () => {
  const vectors = [1, 2, 3].map(() => random(new Int32Array(300_000)))
  const expected = vectors.map((vector) => plainlyMasked(vector, masks))
  await Promise.all(vectors.map((vector) => addInThreads(vector, masks)))
  for (const [i, vector] of vectors.entries()) expect(bytesOf(vector).equals(bytesOf(expected[i]))).toBe(true)
  expect(masks.every(({ seed }, i) => seed.every((byte) => byte === i + 1))).toBe(true)
})

test('while a large vector is masked the main thread goes on', async () => {
  let turns = 0
  let masking = true
  const count = (): void => {
    turns++
    if (masking) setImmediate(count)
  }
  setImmediate(count)
  // 30 masks over 4 megabytes: enough that the provider itself takes threads.
  const many = Array.from({ length: 30 }, (_, i): Mask => ({ seed: new Uint8Array(32).fill(i), sign: 1 }))
  await createNodeProvider().addMasks(new Int32Array(1 << 20), many)
  masking = false
  expect(turns).toBeGreaterThan(4)
})

test('a secret that was overwritten is not used again, and its array may hold another', async () => {
  const provider = createNodeProvider()
  const secret = new Uint8Array(32).fill(1)
  const [first, second] = [await provider.x25519PublicKey(secret), await provider.x25519PublicKey(secret.fill(2))]
  expect(first).not.toEqual(second)
  expect(second).toEqual(await provider.x25519PublicKey(new Uint8Array(32).fill(2)))
  // The same bytes as the seed of a signature are another key.
  expect(await provider.ed25519PublicKey(secret)).toHaveLength(32)
  expect(await provider.ed25519PublicKey(secret)).not.toEqual(second)
})

test('a signature that held is remembered with its key and its message, not instead of them', async () => {
  const provider = createNodeProvider()
  const seeds = [1, 2].map((fill) => new Uint8Array(32).fill(fill))
  const [key, other] = await Promise.all(seeds.map((seed) => provider.ed25519PublicKey(seed)))
  const message = new Uint8Array(5)
  const signature = await provider.ed25519Sign(seeds[0], message)
  for (let i = 0; i < 2; i++) expect(await provider.ed25519Verify(key, message, signature)).toBe(true)
  expect(await provider.ed25519Verify(other, message, signature)).toBe(false)
  expect(await provider.ed25519Verify(key, new Uint8Array(6), signature)).toBe(false)
  expect(
    await provider.ed25519Verify(
      key,
      message,
      signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    ),
  ).toBe(false)
})
