/** The pages a coordinator serves: built files, whole and unchanged, under a policy that lets nothing else run. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'
import * as z from 'zod'
import { InputError } from '../protocol/errors.ts'

/** Beside the compiled coordinator, or below the repository's root where it runs from its sources. */
const folders = ['../web', '../dist/web'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/**
 * Scripts, workers and connections of this host alone; WebAssembly, but no text that becomes a script (Trusted Types).
 * Styles are files; the drawn charts set no style attributes.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
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

/** @throws InputError ERR_PAGES where the pages were not built. */
export async function openPages(): Promise<Pages> {
  const folder = folders.find((path) => existsSync(`${path}/build.json`))
  if (folder === undefined)
    throw new InputError('ERR_PAGES', 'the pages are not built; run "npm run build" in the package')
  const { hash } = z.object({ hash: z.string() }).parse(JSON.parse(await readFile(`${folder}/build.json`, 'utf8')))
  const router = Router()
  router.use((_request, response, next) => {
    response.set({
      'content-security-policy': policy,
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
