/** Canonical bytes of a JSON value (RFC 8785), so that equal values have equal hashes at every party. */

import { sha256 } from '@noble/hashes/sha2.js'
import canonicalize from 'canonicalize'
import { utf8 } from './bytes.ts'

export function canonicalBytes(value: unknown): Uint8Array {
  const text = canonicalize(value)
  if (text === undefined) throw new Error('a value without a JSON form has no canonical bytes')
  return utf8(text)
}

export const canonicalHash = (value: unknown): Uint8Array => sha256(canonicalBytes(value))
