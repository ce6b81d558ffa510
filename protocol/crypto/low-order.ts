/** The one thing an X25519 peer key can do wrong: lie in the small subgroup, so that everybody knows the shared secret. */

import { ProtocolError } from '../errors.ts'

export const lowOrderPoint = (): ProtocolError =>
  new ProtocolError('ERR_LOW_ORDER_POINT', 'expected an X25519 key of full order, found one of low order')

/** @throws ProtocolError ERR_LOW_ORDER_POINT when the shared secret is all zero (RFC 7748, section 6.1). */
export function checkedSecret(shared: Uint8Array): Uint8Array {
  if (shared.every((byte) => byte === 0)) throw lowOrderPoint()
  return shared
}
