/** Builds the WebAssembly kernels: one module for SIMD128, one for relaxed SIMD, and the TypeScript types of their exports. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const here = dirname(fileURLToPath(import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'concordat-kernels-'))

try {
  const simd128 = await compile('simd128', ['simd'])
  const relaxed = await compile('relaxed', ['simd', 'relaxed-simd'])
  writeIfChanged(
    join(here, 'generated.ts'),
    [
      '/** Built by build.mjs from assembly/; not kept in version control. */',
      '',
      `export const simd128 = '${simd128.toString('base64')}'`,
      '',
      `export const relaxed = '${relaxed.toString('base64')}'`,
      '',
      'export interface Kernels {',
      ...signatures(readFileSync(join(scratch, 'simd128.d.ts'), 'utf8')).map((line) => `  ${line}`),
      '}',
      '',
    ].join('\n'),
  )
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function compile(name, features) {
  const out = join(scratch, `${name}.wasm`)
  const { error, stderr } = await asc.main([
    join(here, 'assembly/index.ts'),
    ...['--outFile', out, '--bindings', 'raw', '--runtime', 'stub', '-O3', '--noAssert', '--initialMemory', '2'],
    ...features.flatMap((feature) => ['--enable', feature]),
    ...['--use', 'abort=', '--disableWarning', '112'],
  ])
  if (error) throw new Error(`${name}: ${stderr.toString() || error.message}`)
  return readFileSync(out)
}

/** `export function f(a: number): void` of the compiler's bindings as methods of an interface. */
function signatures(bindings) {
  return [...bindings.matchAll(/export function (\w+\([^)]*\): \w+)/g)].map(([, signature]) => signature)
}

/** An unchanged file keeps its time, so that nothing above is compiled again. */
function writeIfChanged(path, text) {
  let before = ''
  try {
    before = readFileSync(path, 'utf8')
  } catch {
    // First build.
  }
  if (before !== text) writeFileSync(path, text)
}
