/**
 * Masks off the main thread: the vector is cut into stretches, threads sum all masks over a stretch, and what they
 * summed is added here. A site keeps answering while it masks, and several cores share the work.
 */

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { addStreams } from '../add-streams.ts'
import type { Mask, RingVector } from '../provider.ts'
import { addKeystreams } from './keystream.ts'

/** Bytes of a stretch: one megabyte a thread is all the memory that the pool holds. */
const stretchBytes = 1024 * 1024
/** For less keystream than this, handing it to threads costs more than it brings. */
const fewestBytes = 64 * 1024 * 1024
const mostThreads = 8

/** The masks of words `firstWord` to `firstWord + words`, to be summed from zero. */
export interface Task {
  readonly bits: 32 | 64
  readonly firstWord: number
  readonly words: number
  readonly masks: readonly Mask[]
}

/** Adds every mask to `vector`, in place. */
export async function addMasks(vector: RingVector, masks: readonly Mask[]): Promise<void> {
  if (vector.byteLength * masks.length < fewestBytes) addKeystreams(vector, 0, masks)
  else await addInThreads(vector, masks)
}

let threads: Promise<Thread[]> | undefined
let lastTurn: Promise<void> = Promise.resolve()

/** One vector at a time, because each thread has one piece of memory. */
export function addInThreads(vector: RingVector, masks: readonly Mask[]): Promise<void> {
  threads ??= startThreads()
  const all = threads
  const turn = lastTurn.then(async () => share(await all, vector, masks))
  lastTurn = turn.catch(() => {})
  return turn
}

/** Every thread takes the next stretch until none is left. */
async function share(pool: readonly Thread[], vector: RingVector, masks: readonly Mask[]): Promise<void> {
  if (pool.length === 0) return addKeystreams(vector, 0, masks)
  const stretch = stretchBytes / vector.BYTES_PER_ELEMENT
  const bits = vector instanceof BigInt64Array ? 64 : 32
  let next = 0
  const work = async (thread: Thread): Promise<void> => {
    while (next < vector.length) {
      const firstWord = next
      next += stretch
      const words = Math.min(stretch, vector.length - firstWord)
      const sum = await thread.sum({ bits, firstWord, words, masks })
      addStreams(vector, firstWord, { streams: [sum.subarray(0, words * vector.BYTES_PER_ELEMENT)], sign: 1 })
    }
  }
  await Promise.all(pool.map(work))
}

interface Thread {
  /** The summed keystreams; overwritten by the next task. */
  sum(task: Task): Promise<Uint8Array>
}

/** Where a thread cannot be started there are none, and the main thread does the work. */
async function startThreads(): Promise<Thread[]> {
  const wanted = Math.min(mostThreads, availableParallelism())
  const started = await Promise.all(Array.from({ length: wanted }, () => startThread().catch(() => undefined)))
  return started.filter((thread) => thread !== undefined)
}

async function startThread(): Promise<Thread> {
  const memory = new SharedArrayBuffer(stretchBytes)
  const bytes = new Uint8Array(memory)
  const worker = new Worker(workerModule(), { workerData: memory })
  await once(worker, 'message')
  // An idle thread keeps no process alive.
  worker.unref()
  return {
    sum: async (task) => {
      worker.ref()
      worker.postMessage(task)
      await once(worker, 'message')
      worker.unref()
      return bytes
    },
  }
}

/** Node runs JavaScript in a thread only: from the sources it is the build's module that runs. */
function workerModule(): URL {
  const here = import.meta.url
  return here.endsWith('.ts')
    ? new URL('../../../dist/protocol/crypto/node/mask-worker.js', here)
    : new URL('./mask-worker.js', here)
}
