/** The crypto providers of a browser, for the contract suite to call from outside. Bytes travel as base64. */

import { fromBase64, toBase64 } from '../../../protocol/base64.ts'
import type { Mask } from '../../../protocol/crypto/provider.ts'
import { pureProvider } from '../../../protocol/crypto/pure-provider.ts'
import { platformProvider } from '../../../protocol/crypto/web/provider.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import type { Call, Outcome } from '../remote-provider.ts'

const providers = { web: platformProvider(), pure: pureProvider }

async function answer({ provider: name, method, parts, length, masks, bits }: Call): Promise<Outcome> {
  const provider = providers[name]
  const bytes = parts.map(fromBase64)
  const [a, b, c] = bytes
  switch (method) {
    case 'sha256':
      return { bytes: toBase64(await provider.sha256(...bytes)) }
    case 'hkdf':
      return { bytes: toBase64(await provider.hkdf(a, b, c, length)) }
    case 'x25519PublicKey':
    case 'ed25519PublicKey':
      return { bytes: toBase64(await provider[method](a)) }
    case 'x25519':
    case 'ed25519Sign':
      return { bytes: toBase64(await provider[method](a, b)) }
    case 'ed25519Verify':
      return { holds: await provider.ed25519Verify(a, b, c) }
    case 'addMasks': {
      const vector = bits === 64 ? new BigInt64Array(a.buffer) : new Int32Array(a.buffer)
      await provider.addMasks(
        vector,
        masks.map(({ seed, sign }): Mask => ({ seed: fromBase64(seed), sign })),
      )
      return { bytes: toBase64(a) }
    }
  }
}

async function call(asked: Call): Promise<Outcome> {
  try {
    return await answer(asked)
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code }
    throw error
  }
}

Object.assign(globalThis, { call })
