import { expect, test, vi } from 'vitest'
import { nodeProvider } from '../../../protocol/crypto/node/provider.ts'
import { pureProvider } from '../../../protocol/crypto/pure-provider.ts'
import { platformProvider, webProvider } from '../../../protocol/crypto/web/provider.ts'
import { cryptoProviderContract } from '../../contracts/crypto-provider.ts'

/** A platform whose WebCrypto knows no curve of ours, as browsers before 2025. */
const withoutCurves: typeof globalThis.crypto.subtle = new Proxy(globalThis.crypto.subtle, {
  get(subtle, name) {
    const value: unknown = Reflect.get(subtle, name)
    if (typeof value !== 'function') return value
    return async (...given: unknown[]): Promise<unknown> => {
      if (given.some((part) => part === 'X25519' || part === 'Ed25519')) throw new DOMException('', 'NotSupportedError')
      return value.apply(subtle, given)
    }
  },
})

cryptoProviderContract('node:crypto', nodeProvider)
cryptoProviderContract('the pure provider', pureProvider)
cryptoProviderContract('WebCrypto in Node', webProvider(globalThis.crypto.subtle))
cryptoProviderContract('WebCrypto without curves', webProvider(withoutCurves))

test('a place without WebCrypto gets the pure provider, any other WebCrypto', () => {
  expect(platformProvider().name).toBe('WebCrypto')
  vi.stubGlobal('crypto', {})
  expect(platformProvider()).toBe(pureProvider)
  vi.unstubAllGlobals()
})
