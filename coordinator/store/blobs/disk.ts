/** Blobs as files named by their hash. */

import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { onStore } from '../faults.ts'
import type { Blobs } from './blobs.ts'

export async function diskBlobs(folder: string): Promise<Blobs> {
  await onStore(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }))
  const path = (hash: string): string => join(folder, hash)
  return {
    put: (hash, bytes) => onStore(folder, () => write(path(hash), bytes, folder)),
    size: (hash) => onStore(folder, () => stat(path(hash)).then(({ size }) => size, absent)),
    read: (hash, start) => createReadStream(path(hash), { start }),
    remove: (hash) => onStore(folder, () => rm(path(hash), { force: true })),
  }
}

/** What is not there is no fault of the disk; what cannot be looked at is. */
function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

/** Written aside, synced and renamed: neither a reader nor a crash ever sees half a blob. */
async function write(path: string, bytes: Uint8Array, folder: string): Promise<void> {
  const part = `${path}.part`
  try {
    const file = await open(part, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    // A full disk is not left fuller.
    await rm(part, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(folder)
}

/** Without it the rename itself may be lost. Windows cannot open folders and needs no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
