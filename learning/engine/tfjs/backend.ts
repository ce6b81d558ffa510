/** Opens TensorFlow.js on the best backend present: native, WebGL, WebAssembly, plain JavaScript. */

import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../protocol/errors.ts'

export type TfjsBackend = 'native' | 'webgpu' | 'webgl' | 'wasm' | 'cpu'

export interface TfjsOptions {
  /** Forces one backend; without it the first that works and has what the model needs. */
  readonly backend?: TfjsBackend
  /** Folder or URL of the `.wasm` files of @tensorflow/tfjs-backend-wasm; Node finds them by itself. */
  readonly wasmPath?: string
}

/** Names under which TensorFlow.js registers its backends. */
const registered: Readonly<Record<TfjsBackend, string>> = {
  native: 'tensorflow',
  webgpu: 'webgpu',
  webgl: 'webgl',
  wasm: 'wasm',
  cpu: 'cpu',
}

/** @throws InputError ERR_BACKEND when a forced backend is not there. */
export async function openBackend(candidates: readonly TfjsBackend[], options: TfjsOptions): Promise<TfjsBackend> {
  // Production mode leaves out debugging checks, and with them the greeting TensorFlow.js prints in Node.
  tf.enableProdMode()
  const wanted = options.backend === undefined ? candidates : [options.backend]
  for (const backend of wanted) if (await open(backend, options.wasmPath)) return backend
  throw new InputError('ERR_BACKEND', `TensorFlow.js cannot run on ${wanted.join(' or ')} here`)
}

/** Makes an opened backend the current one; TensorFlow.js has one at a time, trainers may differ. */
export async function useBackend(backend: TfjsBackend): Promise<void> {
  if (tf.getBackend() !== registered[backend]) await tf.setBackend(registered[backend])
}

/**
 * Whether the graphics card is gone from under a backend: a driver was restarted, a laptop slept, too many pages wanted one.
 * WebGL then goes on without a word, and everything that is read is zeros.
 */
export function isLost(backend: TfjsBackend): boolean {
  const opened: unknown = tf.findBackend(registered[backend])
  const gl = partOf(partOf(opened, 'gpgpu'), 'gl')
  const ask = partOf(gl, 'isContextLost')
  return typeof ask === 'function' && ask.call(gl) === true
}

const partOf = (whole: unknown, name: string): unknown =>
  typeof whole === 'object' && whole !== null && name in whole ? Reflect.get(whole, name) : undefined

/** For good: the other backends are left. */
export function drop(backend: TfjsBackend): void {
  tf.removeBackend(registered[backend])
}

async function open(backend: TfjsBackend, wasmPath: string | undefined): Promise<boolean> {
  if (tf.findBackend(registered[backend]) !== null) return true
  if (backend === 'native' && !(await importNative())) return false
  if (backend === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
    if (wasmPath !== undefined) setWasmPaths(wasmPath)
  }
  const before = tf.getBackend()
  if (tf.findBackendFactory(registered[backend]) === null) return false
  const opened = await tf.setBackend(registered[backend])
  if (!opened && before !== undefined) await tf.setBackend(before)
  return opened
}

/** The native package is optional: its installer downloads a library that many sites cannot reach. */
async function importNative(): Promise<boolean> {
  if (!tf.env().getBool('IS_NODE')) return false
  const name = '@tensorflow/tfjs-node'
  try {
    await import(/* @vite-ignore */ name)
    return true
  } catch {
    return false
  }
}
