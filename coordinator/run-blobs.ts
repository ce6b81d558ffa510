/** The sums and states one run publishes: kept while it may need them, removed when no run does. */

import { createHash } from 'node:crypto'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import type { BlobStore } from '../protocol/wire/channel.ts'
import type { Blobs } from './store/blobs/blobs.ts'
import { onStore } from './store/faults.ts'
import type { Store } from './store/store.ts'

/** Sums and states of earlier rounds that a slow site may still be fetching. */
const most = 16

/** Makes the blobs of a run. Runs share one, so that a blob is not removed while another run begins to need it. */
export type BlobsOfRun = (run: string) => BlobStore

export function blobsOfRuns(store: Store, blobs: Blobs): BlobsOfRun {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
  return (run) => {
    let newest = ''
    return {
      put: async (hash, blob) => {
        const name = toHex(hash)
        // A round starts from the state that the last one has put.
        if (name === newest) return
        await inTurn(async () => {
          const outdated = await store.keep(run, name, most)
          await blobs.put(name, blob)
          for (const each of outdated) await blobs.remove(each)
        })
        newest = name
      },
      get: (hash) => readBlob(blobs, toHex(hash)),
    }
  }
}

/** Runs that have ended need their last state alone: nobody is fetching the sums of their rounds any more. */
export async function releaseEnded(store: Store, blobs: Blobs): Promise<void> {
  for (const { id, status } of await store.runs()) {
    if (status === 'open' || status === 'paused') continue
    for (const hash of await store.trim(id, 1)) await blobs.remove(hash)
  }
}

/** The whole bytes; `undefined` where there are none. @throws InputError ERR_STORE where they are not those it is named by. */
export async function readBlob(blobs: Blobs, hash: string): Promise<Uint8Array | undefined> {
  if ((await blobs.size(hash)) === undefined) return undefined
  const parts: Uint8Array[] = []
  await onStore(`blob ${hash}`, async () => {
    for await (const part of blobs.read(hash, 0)) parts.push(part)
  })
  const bytes = Buffer.concat(parts)
  if (createHash('sha256').update(bytes).digest('hex') !== hash)
    throw new InputError('ERR_STORE', 'the bytes are not those it is named by; restore a backup', `blob ${hash}`)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
