/** Builds the pages into dist/web: hashed files, their integrity in the pages that name them, and a hash of the whole. */

import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const root = import.meta.dirname
const out = resolve(root, '../dist/web')

export default defineConfig({
  root,
  base: './',
  publicDir: false,
  logLevel: 'warn',
  worker: { format: 'es' },
  plugins: [integrity()],
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: { input: { observe: resolve(root, 'index.html'), join: resolve(root, 'join/index.html') } },
  },
})

/** Subresource integrity for every script and style a page names (W3C SRI), and `build.json` with a hash over all files. */
function integrity(): Plugin {
  return {
    name: 'concordat-integrity',
    enforce: 'post',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const contents = new Map(
          Object.values(bundle).map((file): [string, string | Uint8Array] => [
            file.fileName,
            file.type === 'chunk' ? file.code : file.source,
          ]),
        )
        for (const file of Object.values(bundle)) {
          if (file.type !== 'asset' || !file.fileName.endsWith('.html')) continue
          file.source = String(file.source).replace(
            /(<(?:script|link)\b[^>]*?\b(?:src|href)=")([^"]+)("[^>]*)>/g,
            (tag, before: string, path: string, after: string) => {
              const name = join(file.fileName, '..', path)
              const content = contents.get(name)
              if (content === undefined) return tag
              return `${before}${path}${after} integrity="sha384-${createHash('sha384').update(content).digest('base64')}">`
            },
          )
          contents.set(file.fileName, file.source)
        }
        const whole = createHash('sha256')
        for (const [name, content] of [...contents].sort(([a], [b]) => (a < b ? -1 : 1)))
          whole.update(name).update('\0').update(createHash('sha256').update(content).digest())
        this.emitFile({ type: 'asset', fileName: 'build.json', source: JSON.stringify({ hash: whole.digest('hex') }) })
      },
    },
  }
}
