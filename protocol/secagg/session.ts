/** What every party of a run agrees on before the first round, and what each computes from it rather than being told. */

import { concat, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { InputError } from '../errors.ts'
import type { RosterEntry } from '../wire/messages.ts'

export const prefix = 'fl-secagg/v1/'

/** H(tag, parts…) of SPEC.md: SHA-256 over the protocol's prefix, the tag and parts of fixed length. */
export const tagged = (provider: CryptoProvider, tag: string, ...parts: readonly Uint8Array[]): Promise<Uint8Array> =>
  provider.sha256(utf8(`${prefix}${tag}`), ...parts)

export interface Thresholds {
  /** Sites assumed to collude with the coordinator. */
  readonly colluding: number
  /** Shares that open a secret; 2 * threshold > sites + colluding. */
  readonly threshold: number
  /** Fewest survivors a site lets be unmasked. */
  readonly minimum: number
}

export interface Quorum {
  readonly minimum?: number | undefined
  readonly colluding?: number | undefined
}

/** A7 and B1 of the design: with t > (N + c) / 2 no site's both secrets can be opened. @throws InputError ERR_QUORUM. */
export function thresholdsOf(sites: number, quorum: Quorum = {}): Thresholds {
  if (sites < 3)
    throw new InputError('ERR_QUORUM', `expected at least 3 sites, found ${sites}: two would learn each other's data`)
  const colluding = quorum.colluding ?? (sites < 5 ? 0 : Math.floor(sites / 5))
  const floor = Math.floor((sites + colluding) / 2) + 1
  const threshold = sites === 3 ? Math.max(floor, 2) : Math.max(floor, Math.ceil((3 * sites) / 4))
  if (threshold > sites)
    throw new InputError('ERR_QUORUM', `${colluding} colluding sites of ${sites} leave no threshold that is safe`)
  const minimum = Math.max(threshold, quorum.minimum ?? 0, 3)
  if (minimum > sites) throw new InputError('ERR_QUORUM', `the plan wants ${minimum} sites, the roster has ${sites}`)
  return { colluding, threshold, minimum }
}

export interface Session {
  readonly id: Uint8Array
  readonly planHash: Uint8Array
  readonly roster: readonly RosterEntry[]
  readonly thresholds: Thresholds
  /** The coordinator's Ed25519 key. */
  readonly coordinator: Uint8Array
}

export interface SessionParts {
  readonly planHash: Uint8Array
  /** Sorted by identity. */
  readonly roster: readonly RosterEntry[]
  readonly quorum: Quorum
  /** The coordinator's 32 fresh bytes. */
  readonly nonce: Uint8Array
  readonly coordinator: Uint8Array
}

export async function openSession(
  provider: CryptoProvider,
  { planHash, roster, quorum, nonce, coordinator }: SessionParts,
): Promise<Session> {
  const thresholds = thresholdsOf(roster.length, quorum)
  const rosterHash = await hashRoster(
    provider,
    roster.map(({ identity }) => identity),
  )
  return {
    id: await tagged(provider, 'session', rosterHash, planHash, nonce),
    planHash,
    roster,
    thresholds,
    coordinator,
  }
}

export const hashRoster = (provider: CryptoProvider, identities: readonly Uint8Array[]): Promise<Uint8Array> =>
  tagged(provider, 'roster', concat(...identities.map((identity, i) => new Writer().uint32(i).raw(identity).finish())))
