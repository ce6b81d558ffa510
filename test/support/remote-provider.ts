/** A crypto provider whose every call runs in a browser's page (`pages/crypto.ts`). */

import type { Page } from 'playwright-core'
import * as z from 'zod'
import { fromBase64, toBase64 } from '../../protocol/base64.ts'
import type { CryptoProvider, Mask } from '../../protocol/crypto/provider.ts'
import { errorCode, ProtocolError } from '../../protocol/errors.ts'

export interface Call {
  readonly provider: 'web' | 'pure'
  readonly method: Exclude<keyof CryptoProvider, 'name'>
  readonly parts: readonly string[]
  readonly length: number
  readonly masks: readonly { readonly seed: string; readonly sign: Mask['sign'] }[]
  readonly bits: 32 | 64
}

const outcomeSchema = z.strictObject({
  bytes: z.string().optional(),
  holds: z.boolean().optional(),
  /** Of a ProtocolError that was thrown. */
  code: z.string().optional(),
})
export type Outcome = z.infer<typeof outcomeSchema>

/** `page` is asked for only when the first call is made. */
export function remoteProvider(page: () => Page, provider: Call['provider']): CryptoProvider {
  const ask = async (method: Call['method'], parts: readonly Uint8Array[], more: Partial<Call> = {}) => {
    const call: Call = { provider, method, parts: parts.map(toBase64), length: 0, masks: [], bits: 32, ...more }
    const outcome = outcomeSchema.parse(await page().evaluate(`call(${JSON.stringify(call)})`))
    if (outcome.code !== undefined) throw new ProtocolError(errorCode(outcome.code), 'thrown in the page')
    return outcome
  }
  const bytesOf = async (...asked: Parameters<typeof ask>): Promise<Uint8Array> =>
    fromBase64((await ask(...asked)).bytes ?? '')
  return {
    name: `${provider} in Chromium`,
    sha256: (...parts) => bytesOf('sha256', parts),
    hkdf: (secret, salt, info, length) => bytesOf('hkdf', [secret, salt, info], { length }),
    x25519PublicKey: (secret) => bytesOf('x25519PublicKey', [secret]),
    x25519: (secret, peer) => bytesOf('x25519', [secret, peer]),
    ed25519PublicKey: (seed) => bytesOf('ed25519PublicKey', [seed]),
    ed25519Sign: (seed, message) => bytesOf('ed25519Sign', [seed, message]),
    ed25519Verify: async (...parts) => (await ask('ed25519Verify', parts)).holds === true,
    addMasks: async (vector, masks) => {
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
      const seeds = masks.map(({ seed, sign }) => ({ seed: toBase64(seed), sign }))
      bytes.set(await bytesOf('addMasks', [bytes], { masks: seeds, bits: vector instanceof BigInt64Array ? 64 : 32 }))
    },
  }
}
