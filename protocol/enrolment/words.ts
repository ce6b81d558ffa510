/** Fingerprints that two people can compare by telephone: six words of the BIP 39 list for the first 66 bits of a hash. */

import { sha256 } from '@noble/hashes/sha2.js'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { concat, utf8 } from '../bytes.ts'

const words = 6
const bitsPerWord = 11

/** @param bytes a public key or a roster's hash. To find another with the same words takes some 2^66 tries. */
export function fingerprint(bytes: Uint8Array): string {
  const hash = sha256(concat(utf8('concordat/v1/fingerprint'), bytes))
  let bits = 0n
  for (const byte of hash.subarray(0, 9)) bits = (bits << 8n) | BigInt(byte)
  return Array.from({ length: words }, (_, i) => {
    const shift = BigInt(9 * 8 - (i + 1) * bitsPerWord)
    return wordlist[Number((bits >> shift) & 2047n)]
  }).join(' ')
}

/** Whether somebody typed these words, however they were spaced, joined or capitalised. */
export const sameWords = (a: string, b: string): boolean => plain(a) === plain(b)

const plain = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .split(/[\s-]+/)
    .join(' ')
