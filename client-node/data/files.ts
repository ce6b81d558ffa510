/** Data files of a site: opened with errors that say what to do, read piece by piece, unpacked where gzip packed them. */

import { type FileHandle, open, readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { InputError } from '../../protocol/errors.ts'

const chunkBytes = 1024 * 1024

/** @throws InputError ERR_DATA_NOT_FOUND, ERR_DATA_PERMISSION, ERR_DATA_NOT_A_FILE */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, path)
  })
  if (!(await file.stat()).isDirectory()) return file
  await file.close()
  throw new InputError('ERR_DATA_NOT_A_FILE', 'expected a file, found a folder', path)
}

/** A file that fits in memory, unpacked where its name ends in `.gz`. @throws InputError ERR_DATA_* */
export async function wholeFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, path)
  })
  if (!isPacked(path)) return bytes
  try {
    return gunzipSync(bytes)
  } catch (error) {
    throw packedError(error, path)
  }
}

/** The file piece by piece through two buffers: one is filled while what is in the other is read. */
export async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  let [filling, free] = [new Uint8Array(chunkBytes), new Uint8Array(chunkBytes)]
  let reading = file.read(filling, 0, chunkBytes)
  for (;;) {
    const { bytesRead } = await reading
    if (bytesRead === 0) return
    const filled = filling
    filling = free
    free = filled
    reading = file.read(filling, 0, chunkBytes)
    // Whoever stops half-way asks for no more; what fails then concerns nobody.
    reading.catch(() => undefined)
    yield filled.subarray(0, bytesRead)
  }
}

export const isPacked = (path: string): boolean => path.toLowerCase().endsWith('.gz')

/** @returns the error to show a person for one that zlib or the stream gave. */
export const packedError = (error: unknown, path: string): unknown =>
  codeOf(error)?.startsWith('Z_')
    ? new InputError('ERR_DATA_FORMAT', 'the gzip file is truncated or broken; copy it again', path)
    : error

/** @returns the error to show a person for one that the file system gave. */
export function fileError(error: unknown, path: string): unknown {
  const [code, message] = reasons[codeOf(error) ?? ''] ?? []
  return code === undefined || message === undefined ? error : new InputError(code, message, path)
}

const reasons: Readonly<Record<string, readonly [`ERR_${string}`, string]>> = {
  ENOENT: ['ERR_DATA_NOT_FOUND', 'there is no such file'],
  ENOTDIR: ['ERR_DATA_NOT_FOUND', 'there is no such file'],
  EACCES: ['ERR_DATA_PERMISSION', 'this user may not read it'],
  EPERM: ['ERR_DATA_PERMISSION', 'this user may not read it'],
  EISDIR: ['ERR_DATA_NOT_A_FILE', 'expected a file, found a folder'],
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
