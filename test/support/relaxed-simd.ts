/** Relaxed SIMD stands behind a flag in Node 20 and is on from Node 22: with this, tests run its kernels everywhere. */

import { setFlagsFromString } from 'node:v8'
import { supports } from '../../learning/engine/compiled/machine.ts'

if (!supports('relaxed')) setFlagsFromString('--experimental-wasm-relaxed-simd')
