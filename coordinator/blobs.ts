/** Published blobs as files named by their hash: sums and states that sites fetch. */

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../protocol/bytes.ts'
import type { BlobStore } from '../protocol/wire/channel.ts'

/** Sums and states of earlier rounds that a slow site may still be fetching. */
const kept = 16

export interface FileBlobs extends BlobStore {
  path(hash: string): string
}

export async function fileBlobs(folder: string): Promise<FileBlobs> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const recent: string[] = []
  const path = (hash: string): string => join(folder, hash)
  return {
    path,
    put: async (hash, blob) => {
      const name = toHex(hash)
      const at = recent.indexOf(name)
      if (at >= 0) recent.splice(at, 1)
      else {
        // Written aside, synced and renamed: neither a reader nor a crash ever sees half a blob.
        const file = await open(`${path(name)}.part`, 'w', 0o600)
        try {
          await file.writeFile(blob)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(`${path(name)}.part`, path(name))
      }
      recent.push(name)
      for (const old of recent.splice(0, Math.max(0, recent.length - kept))) await rm(path(old), { force: true })
    },
    get: async (hash) => readFile(path(toHex(hash))).catch(() => undefined),
  }
}
