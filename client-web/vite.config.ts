/** Builds the pages into dist/web: hashed files, sealed. */

import { resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'
import { seal } from './seal.ts'

const root = import.meta.dirname
// The same source is the same build, whoever builds it and wherever.
process.env.NODE_ENV = 'production'

export default defineConfig({
  root,
  base: './',
  publicDir: false,
  logLevel: 'warn',
  worker: { format: 'es' },
  // The build of it that needs nothing of Node.
  resolve: { alias: { pngjs: 'pngjs/browser' } },
  plugins: [sealed()],
  build: {
    outDir: resolve(root, '../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: {
      input: { observe: resolve(root, 'index.html'), join: resolve(root, 'join/index.html') },
      checks: { pluginTimings: false },
    },
  },
})

function sealed(): Plugin {
  let folder = ''
  return {
    name: 'concordat-sealed',
    apply: 'build',
    configResolved: ({ root, build }) => {
      folder = resolve(root, build.outDir)
    },
    // Once everything is written, so that nothing changes a file after its hash was taken.
    closeBundle: () => seal(folder),
  }
}
