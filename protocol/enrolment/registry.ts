/** The registry: who is invited, waiting, in the roster, or holds a token; a fold over its entries, and the rules of each act. */

import { InputError, ProtocolError, unreachable } from '../errors.ts'
import type { Application, Rotation } from './application.ts'
import type { RegistryEntry, Role } from './entries.ts'
import { noRoster, type RosterContent, rosterHash } from './signed-roster.ts'

export interface InviteState {
  readonly name: string
  readonly expires: number
  /** The key that used the invitation. */
  readonly usedBy: string | undefined
}

/** Somebody who waits for the operator: a new site, or a site of the roster with a new key. */
export interface Waiting {
  readonly identity: string
  readonly since: number
  readonly kind: 'new' | 'rotation'
}

export interface TokenState {
  readonly id: string
  readonly hash: string
  readonly role: Role
  readonly holder: string
  readonly expires: number
  readonly revoked: boolean
}

export interface Registry {
  /** By the invitation's public key. */
  readonly invites: ReadonlyMap<string, InviteState>
  readonly waiting: ReadonlyMap<string, Waiting>
  /** Keys that were turned down, with the reason. */
  readonly refused: ReadonlyMap<string, string>
  readonly tokens: ReadonlyMap<string, TokenState>
  readonly roster: RosterContent
}

export const emptyRegistry = (coordinator: string): Registry => ({
  invites: new Map(),
  waiting: new Map(),
  refused: new Map(),
  tokens: new Map(),
  roster: { version: 0, coordinator, previous: noRoster, sites: [] },
})

/** The registry after an entry that the rules below allowed. Deterministic, so that a restart finds the same roster. */
export function after(registry: Registry, entry: RegistryEntry): Registry {
  switch (entry.type) {
    case 'invited': {
      const { name, expires } = entry
      return { ...registry, invites: with_(registry.invites, entry.invite, { name, expires, usedBy: undefined }) }
    }
    case 'applied': {
      const { invite, identity, name } = entry.application
      const used = registry.invites.get(invite)
      return {
        ...registry,
        invites: used === undefined ? registry.invites : with_(registry.invites, invite, { ...used, usedBy: identity }),
        waiting: with_(registry.waiting, name, { identity, since: entry.at, kind: 'new' }),
      }
    }
    case 'rotating': {
      const { name, to } = entry.rotation
      return {
        ...registry,
        waiting: with_(registry.waiting, name, { identity: to, since: entry.at, kind: 'rotation' }),
      }
    }
    case 'approved':
      return {
        ...registry,
        waiting: without(registry.waiting, entry.name),
        roster: nextRoster(registry.roster, [
          ...registry.roster.sites.filter(({ name }) => name !== entry.name),
          { name: entry.name, identity: entry.identity },
        ]),
      }
    case 'refused':
      return {
        ...registry,
        waiting: without(registry.waiting, entry.name),
        refused: with_(registry.refused, entry.identity, entry.reason),
      }
    case 'revoked':
      return {
        ...registry,
        roster: nextRoster(
          registry.roster,
          registry.roster.sites.filter(({ name }) => name !== entry.name),
        ),
      }
    case 'token': {
      const { id, hash, role, holder, expires } = entry
      return { ...registry, tokens: with_(registry.tokens, id, { id, hash, role, holder, expires, revoked: false }) }
    }
    case 'token-revoked': {
      const token = registry.tokens.get(entry.id)
      if (token === undefined) return registry
      return { ...registry, tokens: with_(registry.tokens, entry.id, { ...token, revoked: true }) }
    }
    default:
      return unreachable(entry)
  }
}

/** @throws InputError ERR_SITE_NAME where a site of this name is there already. */
export function invite(
  registry: Registry,
  wanted: { readonly name: string; readonly invite: string; readonly expires: number; readonly at: number },
): RegistryEntry {
  if (keyOf(registry, wanted.name) !== undefined)
    throw new InputError('ERR_SITE_NAME', `${wanted.name} is in the roster already; revoke it first, or choose another`)
  return { type: 'invited', ...wanted }
}

/**
 * The entry of a verified application; `undefined` where the same site repeats itself (its first answer was lost).
 * @throws ProtocolError ERR_INVITE: unknown, used by another key, expired, or for another name.
 */
export function applyTo(registry: Registry, application: Application, at: number): RegistryEntry | undefined {
  const invited = registry.invites.get(application.invite)
  if (invited === undefined || invited.name !== application.name)
    throw new ProtocolError('ERR_INVITE', 'no such invitation; ask the operator for a new link')
  if (invited.usedBy === application.identity) return undefined
  if (invited.usedBy !== undefined)
    throw new ProtocolError(
      'ERR_INVITE',
      'this invitation was used already; if that was not you, tell the operator at once',
    )
  if (invited.expires < at)
    throw new ProtocolError('ERR_INVITE', 'this invitation has expired; ask the operator for a new link')
  if (keyOf(registry, application.name) !== undefined)
    throw new ProtocolError('ERR_INVITE', `${application.name} is in the roster already`)
  return { type: 'applied', at, application }
}

/** @throws ProtocolError ERR_UNKNOWN_SITE where the old key is not the one in the roster. */
export function rotateIn(registry: Registry, rotation: Rotation, at: number): RegistryEntry | undefined {
  const current = keyOf(registry, rotation.name)
  if (current === rotation.to || registry.waiting.get(rotation.name)?.identity === rotation.to) return undefined
  if (current !== rotation.from)
    throw new ProtocolError('ERR_UNKNOWN_SITE', `the roster does not hold this key for ${rotation.name}`)
  return { type: 'rotating', at, rotation }
}

/** @throws InputError ERR_NOT_WAITING. */
export function approve(registry: Registry, name: string, at: number): RegistryEntry {
  const { identity } = waitingOf(registry, name)
  if (registry.roster.sites.some((site) => site.identity === identity && site.name !== name))
    throw new InputError('ERR_SITE_NAME', `the key of ${name} is in the roster under another name`)
  return { type: 'approved', at, name, identity }
}

/** @throws InputError ERR_NOT_WAITING. */
export const refuse = (registry: Registry, name: string, reason: string, at: number): RegistryEntry => ({
  type: 'refused',
  at,
  name,
  identity: waitingOf(registry, name).identity,
  reason,
})

/** @throws InputError ERR_SITE_NAME where there is no such site. */
export function revoke(registry: Registry, name: string, reason: string, at: number): RegistryEntry {
  if (keyOf(registry, name) === undefined)
    throw new InputError('ERR_SITE_NAME', `expected one of ${names(registry)}; found "${name}"`)
  return { type: 'revoked', at, name, reason }
}

/** The role of whoever shows a token with this hash. Comparing hashes of random tokens gives nothing away by its time. */
export function roleOf(registry: Registry, hash: string, at: number): Role | undefined {
  const token = [...registry.tokens.values()].find((held) => held.hash === hash)
  return token === undefined || token.revoked || token.expires < at ? undefined : token.role
}

/** How an applicant stands. */
export function statusOf(registry: Registry, name: string, identity: string): 'pending' | 'approved' | 'refused' {
  if (keyOf(registry, name) === identity) return 'approved'
  return registry.waiting.get(name)?.identity === identity ? 'pending' : 'refused'
}

function waitingOf(registry: Registry, name: string): Waiting {
  const waiting = registry.waiting.get(name)
  if (waiting === undefined) {
    const others = [...registry.waiting.keys()].join(', ')
    throw new InputError(
      'ERR_NOT_WAITING',
      `${name} does not wait for approval; ${others === '' ? 'nobody does' : `waiting: ${others}`}`,
    )
  }
  return waiting
}

const keyOf = ({ roster }: Registry, name: string): string | undefined =>
  roster.sites.find((site) => site.name === name)?.identity

const names = ({ roster }: Registry): string => roster.sites.map(({ name }) => name).join(', ') || '(no site)'

function nextRoster(before: RosterContent, sites: RosterContent['sites']): RosterContent {
  return {
    ...before,
    version: before.version + 1,
    previous: before.version === 0 ? noRoster : rosterHash(before),
    sites: [...sites].sort((a, b) => (a.identity < b.identity ? -1 : 1)),
  }
}

const with_ = <V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> =>
  new Map(map).set(key, value)

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}
