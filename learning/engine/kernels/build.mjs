/** Builds the engine's kernels: one module for SIMD128, one for relaxed SIMD, and the TypeScript types of their exports. */

import { join } from 'node:path'
import { compileKernel, writeKernels } from '../../../protocol/compile-kernel.mjs'

const source = join(import.meta.dirname, 'assembly/index.ts')
const simd128 = await compileKernel(source, { features: ['simd'], pages: 2 })
const relaxed = await compileKernel(source, { features: ['simd', 'relaxed-simd'], pages: 2 })
const modules = { simd128: simd128.wasm, relaxed: relaxed.wasm }
writeKernels(join(import.meta.dirname, 'generated.ts'), modules, simd128.signatures)
