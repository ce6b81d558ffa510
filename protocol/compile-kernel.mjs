/** Compiles a WebAssembly kernel, for the build scripts of the folders that have one. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

/** The module's bytes, and what it exports as methods of an interface. `pages` of 64 kB are its memory at first. */
export async function compileKernel(source, { features, pages }) {
  const scratch = mkdtempSync(join(tmpdir(), 'concordat-kernels-'))
  try {
    const { error, stderr } = await asc.main([
      source,
      ...['--outFile', join(scratch, 'kernel.wasm'), '--bindings', 'raw', '--runtime', 'stub', '-O3', '--noAssert'],
      ...['--initialMemory', String(pages), '--use', 'abort=', '--disableWarning', '112'],
      ...features.flatMap((feature) => ['--enable', feature]),
    ])
    if (error) throw new Error(`${source}: ${stderr.toString() || error.message}`)
    const bindings = readFileSync(join(scratch, 'kernel.d.ts'), 'utf8')
    return {
      wasm: readFileSync(join(scratch, 'kernel.wasm')),
      signatures: [...bindings.matchAll(/export function (\w+\([^)]*\): \w+)/g)].map(([, signature]) => signature),
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Writes the modules and the type of their exports; an unchanged file keeps its time, so that nothing above is compiled again. */
export function writeKernels(path, modules, signatures) {
  const text = [
    '/** Built by build.mjs from assembly/; not kept in version control. */',
    '',
    ...Object.entries(modules).flatMap(([name, wasm]) => [`export const ${name} = '${wasm.toString('base64')}'`, '']),
    'export interface Kernels {',
    ...signatures.map((line) => `  ${line}`),
    '}',
    '',
  ].join('\n')
  let before = ''
  try {
    before = readFileSync(path, 'utf8')
  } catch {
    // First build.
  }
  if (before !== text) writeFileSync(path, text)
}
