/** Watches the lengths with which typed arrays are made: the largest one since the last look. */

const names = ['Uint8Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'ArrayBuffer'] as const

export interface Allocations {
  /** Bytes of the largest array that was asked for by length, not made from other data; begins anew. */
  take(): number
  /** The constructors are the platform's again. */
  stop(): void
}

export function watchAllocations(): Allocations {
  let largest = 0
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const name of names) {
    const original: unknown = Reflect.get(globalThis, name)
    if (typeof original !== 'function') throw new Error(`no ${name} here`)
    const bytesEach = Number(Reflect.get(original, 'BYTES_PER_ELEMENT') ?? 1)
    const watched: object = new Proxy(original, {
      construct(target, given: unknown[], as) {
        if (typeof given[0] === 'number') largest = Math.max(largest, given[0] * bytesEach)
        return Reflect.construct(target, given, as === watched ? target : as)
      },
    })
    Object.defineProperty(globalThis, name, { value: watched, configurable: true, writable: true })
  }
  return {
    take: () => {
      const seen = largest
      largest = 0
      return seen
    },
    stop: () => {
      for (const [name, descriptor] of before)
        if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor)
    },
  }
}
