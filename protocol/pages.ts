/** The build of the pages a coordinator serves: the hash of every file, and one hash over all of them that a site can compare. */

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, fromHex, toHex, utf8 } from './bytes.ts'

/** `build.json` beside the pages. */
export interface PagesBuild {
  readonly hash: string
  /** SHA-256 of each file but this one, by its path below the pages, in hexadecimal. */
  readonly files: Readonly<Record<string, string>>
}

/** `undefined` where it is no such list; without a schema's weight, which the pages would carry. */
export function parsePages(value: unknown): PagesBuild | undefined {
  if (typeof value !== 'object' || value === null || !('hash' in value) || !('files' in value)) return undefined
  const { hash, files } = value
  if (!isHash(hash) || typeof files !== 'object' || files === null) return undefined
  const listed: Record<string, string> = {}
  for (const [path, of] of Object.entries(files)) {
    if (!isHash(of)) return undefined
    listed[path] = of
  }
  return { hash, files: listed }
}

const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

export const fileHash = (content: Uint8Array): string => toHex(sha256(content))

/** SHA-256 over each path, a zero byte and the file's own SHA-256, in the order of the paths. */
export function pagesHash(files: PagesBuild['files']): string {
  const lines = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, hash]) => concat(utf8(path), new Uint8Array(1), fromHex(hash)))
  return toHex(sha256(concat(...lines)))
}
