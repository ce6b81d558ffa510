/** What a built page weighs before anything is asked of it: its document, styles and scripts, its worker with what that imports. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const named = /(?:src|href)="([^"]+\.(?:js|css))"/g
/** Imports that are followed at once; those in brackets wait until they are called. */
const imported = /(?:\bfrom|\bimport)\s*["']([^"']+\.js)["']/g
const worker = /["'`](?:[^"'`]*\/)?(worker-[\w-]+\.js)["'`]/g

export interface PageWeight {
  /** Each file with its bytes, gzipped. */
  readonly files: ReadonlyMap<string, number>
  readonly total: number
}

/** @param document like `dist/web/join/index.html` */
export async function pageWeight(document: string): Promise<PageWeight> {
  const files = new Map<string, number>()
  const add = async (path: string): Promise<void> => {
    if (files.has(path)) return
    const content = await readFile(path)
    files.set(path, gzipSync(content, { level: 9 }).length)
    const text = content.toString('utf8')
    const folder = join(path, '..')
    const found = path.endsWith('.html')
      ? [...text.matchAll(named)]
      : path.endsWith('.js')
        ? [...text.matchAll(imported), ...text.matchAll(worker)]
        : []
    for (const [, name] of found) await add(join(folder, name))
  }
  await add(document)
  return { files, total: [...files.values()].reduce((sum, bytes) => sum + bytes, 0) }
}
