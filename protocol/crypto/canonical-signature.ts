/**
 * Which Ed25519 signatures are looked at at all, so that every provider says the same of the same bytes: libraries
 * differ on keys of small order, on points written in two ways and on S + L (Chalkias et al. 2020, "Taming the many EdDSAs").
 */

import { compareBytes, fromHex } from '../bytes.ts'

const bigEndian = (littleEndian: Uint8Array): Uint8Array => littleEndian.slice().reverse()

/** 2^255 - 19. */
const fieldPrime = fromHex(`7f${'ff'.repeat(30)}ed`)
/** L = 2^252 + 27742317777372353535851937790883648493. */
const groupOrder = fromHex('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed')

/** The y of the eight points of small order: 0, 1, -1 and the two of order eight. */
const smallOrderY: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000001',
  '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec',
  '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7',
  '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826',
].map(fromHex)

/** Key and R are written in the one way there is and not of small order, and S is below the group's order. */
export function isCanonicalSignature(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const s = bigEndian(signature.subarray(32))
  return isFullPoint(publicKey) && isFullPoint(signature.subarray(0, 32)) && compareBytes(s, groupOrder) < 0
}

function isFullPoint(encoded: Uint8Array): boolean {
  const y = bigEndian(encoded)
  y[0] &= 0x7f
  return compareBytes(y, fieldPrime) < 0 && smallOrderY.every((small) => compareBytes(y, small) !== 0)
}
