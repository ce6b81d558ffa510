/** One instance of the kernels with its memory, from which a program takes its buffers once and for all. */

import { InputError } from '../../../protocol/errors.ts'
import { type Kernels, relaxed, simd128 } from '../kernels/generated.ts'

/** `simd128` gives the same bits everywhere; `relaxed` is faster and may differ in last bits between processors. */
export type Variant = 'simd128' | 'relaxed'

interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

interface WasmModule {
  readonly wasmModule: never
}

/** What is used of WebAssembly; the floor has neither Node's nor a browser's types. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  compile(bytes: Uint8Array): Promise<WasmModule>
  instantiate(
    module: WasmModule,
    imports: object,
  ): Promise<{ readonly exports: Kernels & { readonly memory: WasmMemory } }>
}

const pageBytes = 65_536
/** 32-bit addresses reach 4 GiB; the last page stays free so that no address wraps. */
const memoryLimit = 0x1_0000_0000 - pageBytes

const binaries: Readonly<Record<Variant, string>> = { simd128, relaxed }
const modules = new Map<Variant, Promise<WasmModule>>()

/** Whether this JavaScript engine runs the variant: it validates the module itself. */
export const supports = (variant: Variant): boolean => WebAssembly.validate(fromBase64(binaries[variant]))

export async function openMachine(variant: Variant): Promise<Machine> {
  let module = modules.get(variant)
  if (module === undefined) {
    module = WebAssembly.compile(fromBase64(binaries[variant]))
    modules.set(variant, module)
  }
  const { exports } = await WebAssembly.instantiate(await module, {})
  return new Machine(exports, exports.memory)
}

export class Machine {
  readonly kernels: Kernels
  readonly #memory: WasmMemory
  #top: number

  constructor(kernels: Kernels, memory: WasmMemory) {
    this.kernels = kernels
    this.#memory = memory
    this.#top = align(kernels.heapBase())
  }

  /** The address of `floats` zeros, on a cache line. @throws InputError ERR_MEMORY past 4 GiB */
  allocate(floats: number): number {
    const address = this.#top
    this.#top = align(address + 4 * floats)
    if (this.#top > memoryLimit) {
      throw new InputError(
        'ERR_MEMORY',
        `the model, its batch and its data need more than 4 GiB; use a smaller batch or fewer rows at once`,
      )
    }
    const missing = this.#top - this.#memory.buffer.byteLength
    if (missing > 0) this.#memory.grow(Math.ceil(missing / pageBytes))
    this.floats(address, floats).fill(0)
    return address
  }

  /** What is allocated from here on can be given back at once. */
  get top(): number {
    return this.#top
  }

  release(top: number): void {
    this.#top = top
  }

  /** A view; it holds until the next `allocate`. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, address, length)
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length)
  }

  integers(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, address, length)
  }
}

const align = (address: number): number => Math.ceil(address / 64) * 64

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Neither `atob` nor `Buffer` belongs to the language. */
function fromBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.replace(/=+$/, '').length * 3) / 4))
  let bits = 0
  let length = 0
  let held = 0
  for (const letter of text.replace(/=+$/, '')) {
    bits = (bits << 6) | digits.indexOf(letter)
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[length++] = (bits >> held) & 0xff
    }
  }
  return bytes
}
