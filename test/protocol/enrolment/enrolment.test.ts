/** Enrolment: invitations open once, applications and rotations are signed by the keys they name, rosters form a chain. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../protocol/bytes.ts'
import { nodeProvider } from '../../../protocol/crypto/node/provider.ts'
import {
  type Application,
  apply,
  rotate,
  verifyApplication,
  verifyRotation,
} from '../../../protocol/enrolment/application.ts'
import type { RegistryEntry } from '../../../protocol/enrolment/entries.ts'
import { type Invite, inviteLink, parseInviteLink } from '../../../protocol/enrolment/invite.ts'
import {
  after,
  applyTo,
  approve,
  emptyRegistry,
  invite,
  type Registry,
  refuse,
  revoke,
  roleOf,
  rotateIn,
  statusOf,
} from '../../../protocol/enrolment/registry.ts'
import {
  parseSignedRoster,
  rosterChange,
  rosterHash,
  rosterWords,
  signRoster,
} from '../../../protocol/enrolment/signed-roster.ts'
import { fingerprint, sameWords } from '../../../protocol/enrolment/words.ts'
import { parseRoster } from '../../../protocol/roster.ts'
import type { Identity } from '../../../protocol/wire/handshake.ts'

const keyOf = async (fill: number): Promise<Identity> => {
  const seed = new Uint8Array(32).fill(fill)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}
const coordinator = await keyOf(1)
const empty = emptyRegistry(toHex(coordinator.publicKey))

const inviteFor = (name: string, fill = 9): Invite => ({
  url: 'https://coordinator.example:7443/concordat',
  coordinator: coordinator.publicKey,
  seed: new Uint8Array(32).fill(fill),
  name,
  expires: 1000,
})

async function invited(registry: Registry, link: Invite): Promise<Registry> {
  const key = toHex(await nodeProvider.ed25519PublicKey(link.seed))
  return after(registry, invite(registry, { name: link.name, invite: key, expires: link.expires, at: 0 }))
}

const take = (registry: Registry, entry: RegistryEntry | undefined): Registry =>
  entry === undefined ? registry : after(registry, entry)

/** A registry with these sites in its roster, one key each. */
async function withSites(...sites: readonly (readonly [string, number])[]): Promise<Registry> {
  let registry: Registry = empty
  for (const [name, fill] of sites) {
    const link = inviteFor(name, 100 + fill)
    registry = await invited(registry, link)
    registry = take(registry, applyTo(registry, await apply(nodeProvider, link, await keyOf(fill)), 1))
    registry = take(registry, approve(registry, name, 2))
  }
  return registry
}

describe('an invitation', () => {
  test('comes back whole from its link, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.record({
          url: fc.constantFrom('http://127.0.0.1:7443', 'https://a.example', 'https://a.example/deep/path'),
          coordinator: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/),
          expires: fc.nat(),
        }),
        (made) => {
          expect(parseInviteLink(inviteLink(made))).toEqual(made)
        },
      ),
      { seed: 7, numRuns: 100 },
    )
  })

  test('that is cut short is refused, and not repeated in the message', () => {
    const link = inviteLink(inviteFor('county'))
    for (const length of [0, 10, link.length - 30, link.length - 1]) {
      try {
        parseInviteLink(link.slice(0, length))
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_INVITE' })
        expect(String(error)).not.toContain(link.slice(60, 80))
      }
    }
  })

  test('is used up by the first key that shows it; the same key may repeat itself', async () => {
    const link = inviteFor('county')
    const first = await apply(nodeProvider, link, await keyOf(2))
    const thief = await apply(nodeProvider, link, await keyOf(3))
    const registry = take(await invited(empty, link), applyTo(await invited(empty, link), first, 5))
    expect(applyTo(registry, first, 6)).toBeUndefined()
    expect(() => applyTo(registry, thief, 6)).toThrow(expect.objectContaining({ code: 'ERR_INVITE' }))
    expect(statusOf(registry, 'county', first.identity)).toBe('pending')
  })

  test('opens nothing after its expiry, for another name, or where there is none', async () => {
    const link = inviteFor('county')
    const registry = await invited(empty, link)
    const application = await apply(nodeProvider, link, await keyOf(2))
    for (const [given, at] of [
      [application, 1001],
      [{ ...application, name: 'veterans' }, 5],
      [{ ...application, invite: application.identity }, 5],
    ] satisfies [Application, number][]) {
      expect(() => applyTo(registry, given, at)).toThrow(expect.objectContaining({ code: 'ERR_INVITE' }))
    }
  })
})

describe('signatures', () => {
  test('of an application hold for exactly its name, keys and coordinator', async () => {
    const application = await apply(nodeProvider, inviteFor('county'), await keyOf(2))
    await verifyApplication(nodeProvider, coordinator.publicKey, application)
    const other = toHex((await keyOf(3)).publicKey)
    for (const forged of [
      { ...application, name: 'veterans' },
      { ...application, identity: other },
      { ...application, invite: other },
      { ...application, signature: application.inviteSignature },
    ]) {
      await expect(verifyApplication(nodeProvider, coordinator.publicKey, forged)).rejects.toMatchObject({
        code: 'ERR_SIGNATURE',
      })
    }
    await expect(verifyApplication(nodeProvider, (await keyOf(8)).publicKey, application)).rejects.toMatchObject({
      code: 'ERR_SIGNATURE',
    })
  })

  test('of a rotation are those of the old key and of the new', async () => {
    const rotation = await rotate(coordinator.publicKey, 'county', { from: await keyOf(2), to: await keyOf(3) })
    await verifyRotation(nodeProvider, coordinator.publicKey, rotation)
    for (const forged of [
      { ...rotation, to: toHex((await keyOf(4)).publicKey) },
      { ...rotation, fromSignature: rotation.toSignature },
      { ...rotation, name: 'veterans' },
    ]) {
      await expect(verifyRotation(nodeProvider, coordinator.publicKey, forged)).rejects.toMatchObject({
        code: 'ERR_SIGNATURE',
      })
    }
  })
})

describe('the roster', () => {
  test('changes by approvals, rotations and revocations alone, and nobody else is touched', async () => {
    let registry = await withSites(['a', 11], ['b', 12], ['c', 13])
    const before = registry.roster
    expect(before.version).toBe(3)
    const rotation = await rotate(coordinator.publicKey, 'b', { from: await keyOf(12), to: await keyOf(22) })
    registry = take(registry, rotateIn(registry, rotation, 5))
    expect(registry.roster).toEqual(before)
    registry = take(registry, approve(registry, 'b', 6))
    expect(rosterChange(before, registry.roster)).toEqual({ added: [], removed: [], rekeyed: ['b'] })
    expect(registry.roster.previous).toBe(rosterHash(before))
    const rotated = registry.roster
    registry = take(registry, revoke(registry, 'c', 'the contract ended', 7))
    expect(rosterChange(rotated, registry.roster)).toEqual({ added: [], removed: ['c'], rekeyed: [] })
    expect(registry.roster.version).toBe(5)
  })

  test('does not take a rotation from a key that is not in it', async () => {
    const registry = await withSites(['a', 11], ['b', 12], ['c', 13])
    const stolen = await rotate(coordinator.publicKey, 'b', { from: await keyOf(13), to: await keyOf(22) })
    expect(() => rotateIn(registry, stolen, 5)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_SITE' }))
  })

  test('is the same after a restart that replays the entries', async () => {
    const entries: RegistryEntry[] = []
    let registry: Registry = empty
    const act = (entry: RegistryEntry | undefined): void => {
      if (entry === undefined) return
      entries.push(entry)
      registry = after(registry, entry)
    }
    for (const [name, fill] of [
      ['a', 11],
      ['b', 12],
    ] as const) {
      const link = inviteFor(name, 100 + fill)
      const key = toHex(await nodeProvider.ed25519PublicKey(link.seed))
      act(invite(registry, { name, invite: key, expires: 1000, at: 0 }))
      act(applyTo(registry, await apply(nodeProvider, link, await keyOf(fill)), 1))
    }
    act(approve(registry, 'a', 2))
    act(refuse(registry, 'b', 'not in the contract', 3))
    const replayed = JSON.parse(JSON.stringify(entries)).reduce(after, empty)
    expect(replayed).toEqual(registry)
    expect(statusOf(replayed, 'a', toHex((await keyOf(11)).publicKey))).toBe('approved')
    expect(statusOf(replayed, 'b', toHex((await keyOf(12)).publicKey))).toBe('refused')
    expect(() => approve(replayed, 'b', 4)).toThrow(expect.objectContaining({ code: 'ERR_NOT_WAITING' }))
  })

  test('carries a signature over version, predecessor and every site; the plain reader takes it too', async () => {
    const { roster } = await withSites(['a', 11], ['b', 12], ['c', 13])
    const signed = await signRoster(roster, coordinator.sign)
    expect(await parseSignedRoster(nodeProvider, signed, coordinator.publicKey)).toEqual(signed)
    expect(
      parseRoster(JSON.stringify(signed))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b', 'c'])
    for (const forged of [
      { ...signed, version: 4 },
      { ...signed, previous: 'f'.repeat(64) },
      { ...signed, sites: signed.sites.slice(1) },
      { ...signed, sites: signed.sites.map((site) => (site.name === 'a' ? { ...site, name: 'z' } : site)) },
    ]) {
      expect(rosterWords(forged)).not.toBe(rosterWords(signed))
      await expect(parseSignedRoster(nodeProvider, forged, coordinator.publicKey)).rejects.toMatchObject({
        code: 'ERR_ROSTER',
      })
    }
  })
})

test('a token opens its role until it expires or is revoked, and the registry holds only its hash', () => {
  const hash = 'a'.repeat(64)
  const issued = after(empty, {
    type: 'token',
    at: 0,
    id: '00000001',
    hash,
    role: 'observer',
    holder: 'dr',
    expires: 9,
  })
  expect(roleOf(issued, hash, 5)).toBe('observer')
  expect(roleOf(issued, 'b'.repeat(64), 5)).toBeUndefined()
  expect(roleOf(issued, hash, 10)).toBeUndefined()
  expect(roleOf(after(issued, { type: 'token-revoked', at: 6, id: '00000001' }), hash, 5)).toBeUndefined()
})

test('fingerprints are six words, compared however they were typed', () => {
  const words = fingerprint(coordinator.publicKey)
  expect(words.split(' ')).toHaveLength(6)
  expect(words).not.toBe(fingerprint(new Uint8Array(32)))
  expect(sameWords(words, `  ${words.toUpperCase().replaceAll(' ', '-')} `)).toBe(true)
  expect(sameWords(words, words.split(' ').slice(1).join(' '))).toBe(false)
})
