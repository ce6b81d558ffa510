/** The CSV file source: opens a file at the site and streams it into a table. */

import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { readCsv } from '../../learning/data/csv.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'

const chunkBytes = 1024 * 1024

export function csvFile(path: string): DataSource {
  const name = basename(path)
  return {
    name,
    async table(request) {
      const file = await openFile(path)
      try {
        const { size } = await file.stat()
        return await readCsv({ name, chunks: chunksOf(file), size }, request)
      } finally {
        await file.close()
      }
    },
  }
}

/** The file piece by piece through one buffer, which is filled again once its piece has been read. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** @throws InputError ERR_DATA_NOT_FOUND, ERR_DATA_PERMISSION, ERR_DATA_NOT_A_FILE */
async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r')
    const kind = await file.stat()
    if (!kind.isDirectory()) return file
    await file.close()
  } catch (error) {
    const [code, message] = reason(error)
    throw new InputError(code, message, path)
  }
  throw new InputError('ERR_DATA_NOT_A_FILE', 'expected a file, found a folder', path)
}

function reason(error: unknown): [`ERR_${string}`, string] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return ['ERR_DATA_NOT_FOUND', 'there is no such file']
  if (code === 'EACCES' || code === 'EPERM') return ['ERR_DATA_PERMISSION', 'this user may not read the file']
  if (code === 'EISDIR') return ['ERR_DATA_NOT_A_FILE', 'expected a file, found a folder']
  throw error
}
