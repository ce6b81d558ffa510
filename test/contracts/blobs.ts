/** What every place for blobs must keep, on a disk as in a bucket. */

import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Blobs } from '../../coordinator/store/blobs/blobs.ts'

export interface BlobPlace {
  readonly blobs: Blobs
  remove(): Promise<void>
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function whole(blobs: Blobs, hash: string, start = 0): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of blobs.read(hash, start)) parts.push(part)
  return Buffer.concat(parts)
}

export function blobsContract(name: string, newPlace: () => Promise<BlobPlace>): void {
  describe(`${name} keeps the contract of a place for blobs`, () => {
    let place: BlobPlace | undefined
    const opened = async (): Promise<Blobs> => {
      place = await newPlace()
      return place.blobs
    }
    afterEach(() => place?.remove())

    test('what was put is read whole, and from any byte on', async () => {
      const blobs = await opened()
      const bytes = randomBytes(700_001)
      const hash = hashOf(bytes)
      await blobs.put(hash, bytes)
      expect(await blobs.size(hash)).toBe(bytes.length)
      expect((await whole(blobs, hash)).equals(bytes)).toBe(true)
      for (const start of [1, 262_144, 700_000])
        expect((await whole(blobs, hash, start)).equals(bytes.subarray(start))).toBe(true)
    })

    test('putting it again changes nothing', async () => {
      const blobs = await opened()
      const bytes = randomBytes(100)
      for (let i = 0; i < 2; i++) await blobs.put(hashOf(bytes), bytes)
      expect((await whole(blobs, hashOf(bytes))).equals(bytes)).toBe(true)
    })

    test('what was removed, or never put, is not there; removing it again is no fault', async () => {
      const blobs = await opened()
      const bytes = randomBytes(100)
      await blobs.put(hashOf(bytes), bytes)
      for (let i = 0; i < 2; i++) await blobs.remove(hashOf(bytes))
      expect(await blobs.size(hashOf(bytes))).toBeUndefined()
    })
  })
}
