/** Identity keys as files: born where they are used, readable by their owner alone. */

import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { fromHex, toHex } from '../../bytes.ts'
import { InputError } from '../../errors.ts'

export interface KeyFile {
  /** The Ed25519 seed, 32 bytes. */
  readonly seed: Uint8Array
  /** The file was made just now. */
  readonly created: boolean
}

const keyFileSchema = z.strictObject({
  concordat: z.literal(1),
  kind: z.literal('identity'),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Reads the key at `path`, or makes one there with mode 0600. @throws InputError ERR_KEY_FILE. */
export async function openKeyFile(path: string): Promise<KeyFile> {
  const seed = new Uint8Array(randomBytes(32))
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ concordat: 1, kind: 'identity', seed: toHex(seed) })}\n`)
      await file.sync()
    } catch (error) {
      // Half a key, of a disk that is full, would stand in the way of a whole one.
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return { seed, created: true }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new InputError(
        'ERR_KEY_FILE',
        `cannot make a key file: ${error instanceof Error ? error.message : String(error)}`,
        path,
      )
    }
    return { seed: await readKey(path), created: false }
  }
}

async function readKey(path: string): Promise<Uint8Array> {
  // Windows keeps access rights elsewhere; its mode bits say nothing.
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new InputError(
      'ERR_KEY_FILE',
      `others can read this key (mode ${(mode & 0o777).toString(8)}): chmod 600 it, or delete it and enrol anew`,
      path,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    value = undefined
  }
  const parsed = keyFileSchema.safeParse(value)
  // The message must not repeat the file's content: it may be a damaged key.
  if (!parsed.success)
    throw new InputError('ERR_KEY_FILE', 'expected a key file made by "concordat keygen" or "concordat site"', path)
  return fromHex(parsed.data.seed)
}
