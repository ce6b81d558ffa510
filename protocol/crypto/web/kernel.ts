/** Adding masks with a kernel of WebAssembly: keystream of four masks at a time into its memory, from there into the vector. */

import { fromBase64 } from '../../base64.ts'
import { addStreams, passesOf } from '../add-streams.ts'
import type { CryptoProvider } from '../provider.ts'
import { aesCtr, type Kernels } from './generated.ts'

/** What is used of WebAssembly, with what the build has found to be exported. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array): Promise<{
    readonly instance: { readonly exports: Kernels & { readonly memory: { readonly buffer: ArrayBuffer } } }
  }>
}

const chunkBytes = 64 * 1024
const blockBytes = 16
/** Blocks that the kernel makes at once. */
const batch = 8
/** Milliseconds after which others have a turn: a site answers while it masks. */
const turnMilliseconds = 50

/** `undefined` where WebAssembly, or its SIMD, is not to be had. */
export async function openKernel(): Promise<CryptoProvider['addMasks'] | undefined> {
  const kernel = await instantiate()
  if (kernel === undefined) return undefined
  const at = kernel.outAt()
  return async (vector, masks) => {
    const wordBytes = vector.BYTES_PER_ELEMENT
    const chunkWords = chunkBytes / wordBytes
    let began = performance.now()
    for (const { seeds, sign } of passesOf(masks)) {
      for (let word = 0; word < vector.length; word += chunkWords) {
        const bytes = Math.min(vector.length - word, chunkWords) * wordBytes
        const first = (word * wordBytes) / blockBytes
        const blocks = Math.ceil(bytes / (batch * blockBytes)) * batch
        const streams = seeds.map((seed, i) => {
          const out = at + i * chunkBytes
          kernel.bytes.set(seed, kernel.keyAt())
          kernel.useKey()
          kernel.keystream(first, blocks, out)
          return kernel.bytes.subarray(out, out + bytes)
        })
        addStreams(vector, word, { streams, sign })
        if (performance.now() - began > turnMilliseconds) {
          await turn()
          began = performance.now()
        }
      }
    }
    kernel.forget()
  }
}

async function instantiate() {
  try {
    const { exports } = (await WebAssembly.instantiate(fromBase64(aesCtr))).instance
    return { ...exports, bytes: new Uint8Array(exports.memory.buffer) }
  } catch {
    // No WebAssembly, none of its SIMD, or a policy against it: WebCrypto is there.
    return undefined
  }
}

/** Lets what waits for this thread run. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
