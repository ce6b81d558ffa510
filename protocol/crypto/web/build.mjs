/** Builds the kernel that makes keystream in a browser. */

import { join } from 'node:path'
import { compileKernel, writeKernels } from '../../compile-kernel.mjs'

const source = join(import.meta.dirname, 'assembly/aes-ctr.ts')
const { wasm, signatures } = await compileKernel(source, { features: ['simd'], pages: 5 })
writeKernels(join(import.meta.dirname, 'generated.ts'), { aesCtr: wasm }, signatures)
