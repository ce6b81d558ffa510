/** A roster version: who is in the federation, numbered, bound to the version before, and signed by the coordinator. */

import * as z from 'zod'
import { concat, fromHex, toHex, utf8 } from '../bytes.ts'
import { canonicalBytes, canonicalHash } from '../canonical.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { InputError } from '../errors.ts'
import { check } from '../plan.ts'
import { identityHex, rosterSites } from '../roster.ts'
import { fingerprint } from './words.ts'

const hashHex = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256: 64 hexadecimal digits')

const contentSchema = z.strictObject({
  version: z.int().min(1),
  coordinator: identityHex,
  /** `rosterHash` of the version before; zeros before the first. */
  previous: hashHex,
  sites: rosterSites,
})

const signedRosterSchema = z.strictObject({
  ...contentSchema.shape,
  signature: z.string().regex(/^[0-9a-f]{128}$/, 'expected an Ed25519 signature: 128 hexadecimal digits'),
})

export type RosterContent = z.infer<typeof contentSchema>
export type SignedRoster = z.infer<typeof signedRosterSchema>

export const noRoster = '0'.repeat(64)

/** What the next version names as its predecessor, and what the words for the telephone are made of. */
export const rosterHash = ({ version, coordinator, previous, sites }: RosterContent): string =>
  toHex(canonicalHash({ version, coordinator, previous, sites }))

/** Two sites that read each other the same words hold the same roster, and saw the same history of it. */
export const rosterWords = (roster: RosterContent): string => fingerprint(fromHex(rosterHash(roster)))

const signedBytes = (content: RosterContent): Uint8Array =>
  concat(utf8('concordat/v1/roster'), canonicalBytes(rosterHash(content)))

export async function signRoster(
  content: RosterContent,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<SignedRoster> {
  return { ...content, signature: toHex(await sign(signedBytes(content))) }
}

/** @throws InputError ERR_ROSTER where the text is no roster, or not one that this coordinator signed. */
export async function parseSignedRoster(
  provider: Pick<CryptoProvider, 'ed25519Verify'>,
  value: unknown,
  coordinator: Uint8Array,
): Promise<SignedRoster> {
  const roster = check(signedRosterSchema, value, [], 'ERR_ROSTER')
  const held =
    roster.coordinator === toHex(coordinator) &&
    (await provider.ed25519Verify(coordinator, signedBytes(roster), fromHex(roster.signature)))
  if (!held) throw new InputError('ERR_ROSTER', 'the roster does not carry the signature of the pinned coordinator')
  return roster
}

export interface RosterChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Sites whose key changed. */
  readonly rekeyed: readonly string[]
}

/** What a person at a site is asked to accept. */
export function rosterChange(before: Pick<RosterContent, 'sites'>, after: Pick<RosterContent, 'sites'>): RosterChange {
  const keyOf = (roster: Pick<RosterContent, 'sites'>, name: string): string | undefined =>
    roster.sites.find((site) => site.name === name)?.identity
  const names = (roster: Pick<RosterContent, 'sites'>): string[] => roster.sites.map(({ name }) => name)
  return {
    added: names(after).filter((name) => keyOf(before, name) === undefined),
    removed: names(before).filter((name) => keyOf(after, name) === undefined),
    rekeyed: names(after).filter((name) => ![undefined, keyOf(after, name)].includes(keyOf(before, name))),
  }
}
