/** A thread that sums masks over one stretch of a vector after the other, into memory it shares with the pool. */

import { parentPort, workerData } from 'node:worker_threads'
import { addKeystreams } from './keystream.ts'
import type { Task } from './mask-pool.ts'

if (parentPort === null) throw new Error('this module is a thread of mask-pool.ts')
const port = parentPort
const memory: SharedArrayBuffer = workerData

port.on('message', ({ bits, firstWord, words, masks }: Task) => {
  new Uint8Array(memory).fill(0)
  const stretch = bits === 64 ? new BigInt64Array(memory, 0, words) : new Int32Array(memory, 0, words)
  addKeystreams(stretch, firstWord, masks)
  for (const { seed } of masks) seed.fill(0)
  port.postMessage('summed')
})
port.postMessage('ready')
