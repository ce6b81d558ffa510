/** What every party of a run agrees on before the first round, and what each computes from it rather than being told. */

import { concat, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import type { RosterEntry } from '../wire/messages.ts'
import { type Formation, formationOf, type SumRules } from './formation.ts'

export const prefix = 'fl-secagg/v1/'

/** H(tag, parts…) of SPEC.md: SHA-256 over the protocol's prefix, the tag and parts of fixed length. */
export const tagged = (provider: CryptoProvider, tag: string, ...parts: readonly Uint8Array[]): Promise<Uint8Array> =>
  provider.sha256(utf8(`${prefix}${tag}`), ...parts)

export interface Session {
  readonly id: Uint8Array
  readonly planHash: Uint8Array
  readonly roster: readonly RosterEntry[]
  readonly formation: Formation
  /** The coordinator's Ed25519 key. */
  readonly coordinator: Uint8Array
}

export interface SessionParts {
  readonly planHash: Uint8Array
  /** Sorted by identity. */
  readonly roster: readonly RosterEntry[]
  readonly rules: SumRules
  /** The coordinator's 32 fresh bytes. */
  readonly nonce: Uint8Array
  readonly coordinator: Uint8Array
}

/** @throws InputError ERR_QUORUM, ERR_HONEST_MINIMUM: each party refuses a plan whose sums would hide nobody. */
export async function openSession(
  provider: CryptoProvider,
  { planHash, roster, rules, nonce, coordinator }: SessionParts,
): Promise<Session> {
  const formation = formationOf(roster.length, rules)
  const rosterHash = await hashRoster(
    provider,
    roster.map(({ identity }) => identity),
  )
  const id = await tagged(provider, 'session', rosterHash, planHash, nonce)
  return { id, planHash, roster, formation, coordinator }
}

export const hashRoster = (provider: CryptoProvider, identities: readonly Uint8Array[]): Promise<Uint8Array> =>
  tagged(provider, 'roster', concat(...identities.map((identity, i) => new Writer().uint32(i).raw(identity).finish())))
