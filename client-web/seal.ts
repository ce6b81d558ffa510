/**
 * Seals a built folder: a page runs no script but those of its build, also where one is loaded late (W3C Subresource Integrity), and
 * `build.json` says what the build is.
 */

import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileHash, type PagesBuild, pagesHash } from '../protocol/pages.ts'
import type { Scripts } from './shared/verified.ts'

export async function seal(folder: string): Promise<void> {
  const paths = (await filesOf(folder)).filter((path) => path !== 'build.json')
  const texts = new Map<string, string>()
  for (const path of paths) if (/\.(js|html)$/.test(path)) texts.set(path, await readFile(join(folder, path), 'utf8'))
  sealWorker(texts)
  const styles = new Map<string, Uint8Array>()
  for (const path of paths) if (!texts.has(path)) styles.set(path, await readFile(join(folder, path)))
  for (const path of texts.keys()) if (path.endsWith('.html')) texts.set(path, sealDocument(path, texts, styles))
  for (const [path, text] of texts) await writeFile(join(folder, path), text)
  const files: Record<string, string> = {}
  for (const path of paths.sort()) files[path] = fileHash(await readFile(join(folder, path)))
  const build: PagesBuild = { hash: pagesHash(files), files }
  await writeFile(join(folder, 'build.json'), `${JSON.stringify(build)}\n`)
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

const staticImport = /(?:\bfrom|\bimport)\s*["'`]\.\/([\w.-]+\.js)["'`]/g
const lateImport = /\bimport\(\s*["'`]\.\/([\w.-]+\.js)["'`]\s*\)/g

/**
 * A worker knows no import map: its late imports become calls of our own loader, and the page that starts it holds the hash of each
 * script in place of the name `CONCORDAT_SCRIPTS`.
 */
function sealWorker(texts: Map<string, string>): void {
  const entry = [...texts.keys()].find((path) => /^assets\/worker-[\w-]+\.js$/.test(path))
  const page = [...texts].find(([, text]) => /\bCONCORDAT_SCRIPTS\b/.test(text))
  if (entry === undefined || page === undefined) throw new Error('expected a worker, and a page that starts it')
  const scripts: Record<string, Scripts[string]> = {}
  const take = (name: string): void => {
    if (scripts[name] !== undefined) return
    const text = texts.get(`assets/${name}`)
    if (text === undefined) throw new Error(`expected ${name} among the built scripts`)
    const named = (pattern: RegExp): string[] => [...new Set([...text.matchAll(pattern)].map(([, found]) => found))]
    const sealed = text.replace(lateImport, (_call, found: string) => `concordatImport(${JSON.stringify(found)})`)
    if (/\bimport\(\s*["'`]/.test(sealed))
      throw new Error(`expected only scripts of the build to be imported by ${name}`)
    texts.set(`assets/${name}`, sealed)
    scripts[name] = { integrity: integrityOf(sealed), imports: named(staticImport) }
    for (const found of [...named(staticImport), ...named(lateImport)]) take(found)
  }
  take(basename(entry))
  texts.set(
    page[0],
    page[1].replace(/\bCONCORDAT_SCRIPTS\b/, () => JSON.stringify(scripts)),
  )
}

/** Integrity for what a document names, and an import map with that of every script it may import later (HTML, "import maps"). */
function sealDocument(
  path: string,
  texts: ReadonlyMap<string, string>,
  others: ReadonlyMap<string, Uint8Array>,
): string {
  const contentOf = (name: string): string | Uint8Array | undefined => texts.get(name) ?? others.get(name)
  const named = (texts.get(path) ?? '').replace(
    /(<(?:script|link)\b[^>]*?\b(?:src|href)=")([^"]+)("[^>]*)>/g,
    (tag, before: string, address: string, after: string) => {
      const content = contentOf(join(path, '..', address).split(sep).join('/'))
      return content === undefined ? tag : `${before}${address}${after} integrity="${integrityOf(content)}">`
    },
  )
  const up = relative(dirname(path), '.').split(sep).join('/') || '.'
  const integrity = Object.fromEntries(
    [...texts]
      .filter(([name]) => name.endsWith('.js'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, text]) => [`${up}/${name}`, integrityOf(text)]),
  )
  return named.replace(
    '<script',
    () => `<script type="importmap">${JSON.stringify({ integrity })}</script>\n    <script`,
  )
}

const integrityOf = (content: string | Uint8Array): string =>
  `sha384-${createHash('sha384').update(content).digest('base64')}`
