/** The pages a coordinator serves: built files, whole and unchanged, under a policy that lets nothing else run. */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'
import { InputError } from '../protocol/errors.ts'
import { fileHash, pagesHash, parsePages } from '../protocol/pages.ts'

/** Beside the compiled coordinator, or below the repository's root where it runs from its sources. */
const folders = ['../web', '../dist/web'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/**
 * Scripts, workers and connections of this host alone; WebAssembly, but no text that becomes a script (Trusted Types). A worker and
 * what it imports run from blobs that the page has fetched with their hashes. Styles are files; the drawn charts set no style attributes.
 */
const policyWith = (inline: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src 'self' blob: 'wasm-unsafe-eval' ${inline.join(' ')}`,
    'worker-src blob:',
    "connect-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types concordat',
  ].join('; ')

export interface Pages {
  readonly router: Router
  /** SHA-256 over all files, in hexadecimal. */
  readonly hash: string
}

/** @throws InputError ERR_PAGES where the pages were not built, or are no longer what was built. */
export async function openPages(folder = folders.find((path) => existsSync(`${path}/build.json`))): Promise<Pages> {
  if (folder === undefined)
    throw new InputError('ERR_PAGES', 'the pages are not built; run "npm run build" in the package')
  const built = parsePages(JSON.parse(await readFile(join(folder, 'build.json'), 'utf8')))
  if (built === undefined)
    throw new InputError('ERR_PAGES', 'build.json is not what was built; install the package anew')
  const files: Record<string, string> = {}
  const inline: string[] = []
  for (const path of Object.keys(built.files)) {
    const content = await readFile(join(folder, path)).catch(() => Buffer.alloc(0))
    files[path] = fileHash(content)
    if (path.endsWith('.html')) inline.push(...importMapsOf(content.toString('utf8')))
  }
  const hash = pagesHash(files)
  const other = Object.keys(files).find((path) => files[path] !== built.files[path])
  if (hash !== built.hash)
    throw new InputError('ERR_PAGES', `${other ?? 'build.json'} is not what was built; install the package anew`)
  const policy = policyWith(inline)
  const router = Router()
  router.use((_request, response, next) => {
    response.set({
      'content-security-policy': policy,
      'integrity-policy': 'blocked-destinations=(script)',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    })
    next()
  })
  router.use(
    express.static(folder, {
      index: 'index.html',
      redirect: true,
      setHeaders: (response, path) => {
        // Files with a hash in their name never change; the pages that name them do.
        const fixed = path.includes('/assets/')
        response.setHeader('cache-control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    }),
  )
  return { router, hash }
}

/** The one inline text of a page is its import map, which holds the hashes of its scripts (CSP 3, "hash-source"). */
const importMapsOf = (html: string): readonly string[] =>
  [...html.matchAll(/<script type="importmap">([^<]*)<\/script>/g)].map(
    ([, text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
