/** Adding masks in a browser: by WebCrypto or by a kernel of our own, whichever is faster in this one. */

import { addStreams, type Pass, passesOf } from '../add-streams.ts'
import type { CryptoProvider, Mask, RingVector } from '../provider.ts'
import { openKernel } from './kernel.ts'

type AddMasks = CryptoProvider['addMasks']

/** Keystream a call: large enough to drown the cost of a call, small enough that eight of them stay small. */
const chunkBytes = 1024 * 1024
const blockBytes = 16
const zeros = new Uint8Array(chunkBytes)

/**
 * Chromium copies what WebCrypto is to encrypt byte by byte on the calling thread (12 ns a byte, measured in 143), which the kernel
 * outruns; elsewhere WebCrypto has the processor's own AES and outruns the kernel.
 */
export async function fastestAddMasks(subtle: SubtleCrypto): Promise<AddMasks> {
  const [native, kernel] = [addBySubtle(subtle), await openKernel()]
  if (kernel === undefined) return native
  return (await trial(kernel)) < (await trial(native)) ? kernel : native
}

const trialWords = 65_536
const trialMask: Mask = { seed: new Uint8Array(32), sign: 1 }

/** Milliseconds for a quarter of a megabyte, the best of three. */
async function trial(addMasks: AddMasks): Promise<number> {
  const vector = new Int32Array(trialWords)
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    await addMasks(vector, [trialMask])
    best = Math.min(best, performance.now() - began)
  }
  return best
}

export const addBySubtle =
  (subtle: SubtleCrypto): AddMasks =>
  async (vector, masks) => {
    for (const pass of passesOf(masks)) await addPass(subtle, vector, pass)
  }

/** The platform makes the four keystreams of a chunk while the last chunk is added. */
async function addPass(subtle: SubtleCrypto, vector: RingVector, { seeds, sign }: Pass): Promise<void> {
  const importKey = (seed: Uint8Array) => subtle.importKey('raw', new Uint8Array(seed), 'AES-CTR', false, ['encrypt'])
  const keys = await Promise.all(seeds.map(importKey))
  const wordBytes = vector.BYTES_PER_ELEMENT
  const chunkWords = chunkBytes / wordBytes
  const keystreams = (at: number): Promise<Uint8Array[]> => {
    const words = Math.min(vector.length - at, chunkWords)
    const counter = new Uint8Array(blockBytes)
    new DataView(counter.buffer).setUint32(12, (at * wordBytes) / blockBytes)
    const encrypt = (key: CryptoKey) =>
      subtle.encrypt({ name: 'AES-CTR', counter, length: 64 }, key, zeros.subarray(0, words * wordBytes))
    return Promise.all(keys.map(async (key) => new Uint8Array(await encrypt(key))))
  }
  let next = keystreams(0)
  for (let at = 0; at < vector.length; at += chunkWords) {
    const streams = await next
    if (at + chunkWords < vector.length) next = keystreams(at + chunkWords)
    addStreams(vector, at, { streams, sign })
  }
}
