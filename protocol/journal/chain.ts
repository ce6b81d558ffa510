/** The journal's chain: each entry holds its predecessor's hash and the coordinator's signature, so no edit goes unseen. */

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, fromHex, toHex, utf8 } from '../bytes.ts'
import { canonicalBytes } from '../canonical.ts'
import type { JournalEntry, SealedEntry } from './entries.ts'

/** Where a journal ends: the next entry's number, the last one's hash, and its time. */
export interface Head {
  readonly index: number
  /** 32 bytes; zeros before the first entry. */
  readonly hash: Uint8Array
  readonly at: number
}

export const emptyHead: Head = { index: 0, hash: new Uint8Array(32), at: 0 }

export type Sign = (message: Uint8Array) => Promise<Uint8Array>

export interface Seal {
  /** Milliseconds since 1970. A clock that was set back does not move the journal's time back. */
  readonly at: number
  readonly sign: Sign
}

export interface Appended {
  readonly sealed: SealedEntry
  readonly head: Head
}

/** The entry with its place in the chain, to be written durably before anything follows from it. */
export async function append(head: Head, entry: JournalEntry, { at, sign }: Seal): Promise<Appended> {
  const place = { index: head.index, previous: toHex(head.hash), at: Math.max(at, head.at), entry }
  const hash = hashOf(place)
  const signature = toHex(await sign(signedBytes(hash)))
  return { sealed: { ...place, signature }, head: { index: place.index + 1, hash, at: place.at } }
}

/** The head after `sealed`, whatever its signature is worth: `verify` says that. */
export const headAfter = (sealed: SealedEntry): Head => ({
  index: sealed.index + 1,
  hash: hashOf(sealed),
  at: sealed.at,
})

/** What the coordinator signs for an entry. */
export const signedBytes = (hash: Uint8Array): Uint8Array => concat(utf8('concordat/v1/journal/entry'), hash)

/** What a site signs when it has replayed a journal up to `head`. */
export const headBytes = ({ index, hash }: Pick<Head, 'index' | 'hash'>): Uint8Array =>
  concat(utf8('concordat/v1/journal/head'), canonicalBytes({ index, head: toHex(hash) }))

/** What a site signs when it agrees to a plan and to the terms of the study. */
export const approvalBytes = (approval: {
  readonly planHash: string
  readonly terms: string
  readonly expires: number
}): Uint8Array => {
  const { planHash, terms, expires } = approval
  return concat(utf8('concordat/v1/journal/approval'), canonicalBytes({ planHash, terms, expires }))
}

/** What a site signs when it leaves a run. */
export const withdrawalBytes = ({
  session,
  reason,
}: {
  readonly session: string
  readonly reason: string
}): Uint8Array => concat(utf8('concordat/v1/journal/withdrawal'), canonicalBytes({ session, reason }))

/** SHA-256 of the canonical bytes of everything but the signature. */
function hashOf({ index, previous, at, entry }: Omit<SealedEntry, 'signature'>): Uint8Array {
  return sha256(concat(utf8('concordat/v1/journal'), fromHex(previous), canonicalBytes({ index, at, entry })))
}
