/** The coordinator's registry at work: acts are checked, made durable, and only then take effect, one after another. */

import { createHash, randomBytes } from 'node:crypto'
import { fromHex, toHex } from '../../protocol/bytes.ts'
import type { RegistryEntry, Role } from '../../protocol/enrolment/entries.ts'
import { after, emptyRegistry, type Registry, roleOf } from '../../protocol/enrolment/registry.ts'
import { type SignedRoster, signRoster } from '../../protocol/enrolment/signed-roster.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import type { RosterEntry } from '../../protocol/wire/messages.ts'
import type { Clock } from '../clock.ts'

/** Where the registry's entries are kept. */
export interface RegistryLog {
  readonly entries: readonly RegistryEntry[]
  /** Durable when it resolves. */
  append(entry: RegistryEntry): Promise<void>
}

/** An act's rule: the entry it leads to, `undefined` where nothing changes. @throws what the rule forbids. */
export type Act = (registry: Registry, at: number) => RegistryEntry | undefined

export interface RegistryService {
  readonly current: Registry
  /** The sites in the protocol's order. */
  readonly roster: readonly RosterEntry[]
  act(rule: Act): Promise<Registry>
  signedRoster(): Promise<SignedRoster>
  issueToken(token: { readonly role: Role; readonly holder: string; readonly expires: number }): Promise<string>
  /** @throws InputError ERR_TOKEN_ID. */
  revokeToken(id: string): Promise<void>
  roleOf(token: string): Role | undefined
}

export interface RegistryParts {
  readonly log: RegistryLog
  readonly identity: Identity
  readonly clock: Clock
  /** The roster has changed; what follows from that is durable before the act is answered. */
  readonly onRoster: ((sites: readonly RosterEntry[]) => Promise<void>) | undefined
}

export function registryService({ log, identity, clock, onRoster }: RegistryParts): RegistryService {
  let current = log.entries.reduce(after, emptyRegistry(toHex(identity.publicKey)))
  let last: Promise<unknown> = Promise.resolve()
  const act = (rule: Act): Promise<Registry> => {
    const next = last.then(async () => {
      const entry = rule(current, clock.now())
      if (entry === undefined) return current
      await log.append(entry)
      const before = current.roster.version
      current = after(current, entry)
      if (current.roster.version !== before) await onRoster?.(sitesOf(current))
      return current
    })
    last = next.catch(() => {})
    return next
  }
  return {
    get current() {
      return current
    },
    get roster() {
      return sitesOf(current)
    },
    act,
    signedRoster: () => signRoster(current.roster, identity.sign),
    issueToken: async ({ role, holder, expires }) => {
      const token = randomBytes(32).toString('hex')
      const id = randomBytes(4).toString('hex')
      await act((_, at) => ({ type: 'token', at, id, hash: tokenHash(token), role, holder, expires }))
      return token
    },
    revokeToken: async (id) => {
      await act((registry, at) => {
        if (!registry.tokens.has(id))
          throw new InputError(
            'ERR_TOKEN_ID',
            `expected the id of a token, found "${id}"; "concordat tokens" lists them`,
          )
        return { type: 'token-revoked', at, id }
      })
    },
    roleOf: (token) => roleOf(current, tokenHash(token), clock.now()),
  }
}

const sitesOf = ({ roster }: Registry): readonly RosterEntry[] =>
  roster.sites.map(({ name, identity }) => ({ name, identity: fromHex(identity) }))

/** Tokens are 256 random bits: a plain hash at rest is enough, there is nothing to guess. */
const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')
