import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { expect, test } from 'vitest'

test('what a participant computes with is under 150 kB gzipped, and TensorFlow.js loads only when asked for', async () => {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, target: 'esnext', rolldownOptions: { input: resolve('test/support/pages/participant.ts') } },
  })
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((part) => ('output' in part ? part.output : []))
  const chunks = new Map(outputs.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])))
  const entry = [...chunks.values()].find(({ isEntry }) => isEntry)
  const loaded = new Set<string>()
  const follow = (name: string): void => {
    if (loaded.has(name)) return
    loaded.add(name)
    for (const other of chunks.get(name)?.imports ?? []) follow(other)
  }
  follow(entry?.fileName ?? 'no entry')
  const code = [...loaded].map((name) => chunks.get(name)?.code ?? '')
  const bytes = code.reduce((sum, text) => sum + gzipSync(text).length, 0)
  console.log(`bundle: ${(bytes / 1000).toFixed(0)} kB gzipped at start, ${chunks.size - loaded.size} chunks later`)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(150_000)
  const modules = (names: Iterable<string>) => [...names].flatMap((name) => chunks.get(name)?.moduleIds ?? [])
  expect(modules(loaded).filter((id) => id.includes('@tensorflow'))).toEqual([])
  expect(modules(chunks.keys()).some((id) => id.includes('@tensorflow'))).toBe(true)
})
