/** The operator's side of enrolment: invite, list, approve, refuse, revoke, and tokens for people and programs. */

import { randomBytes } from 'node:crypto'
import { Router } from 'express'
import * as z from 'zod'
import { fromHex, toHex } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { roleSchema } from '../../protocol/enrolment/entries.ts'
import { inviteLink } from '../../protocol/enrolment/invite.ts'
import { approve, invite, type Registry, refuse, revoke } from '../../protocol/enrolment/registry.ts'
import { rosterWords } from '../../protocol/enrolment/signed-roster.ts'
import { fingerprint, sameWords } from '../../protocol/enrolment/words.ts'
import { InputError } from '../../protocol/errors.ts'
import { check } from '../../protocol/plan.ts'
import { siteName } from '../../protocol/roster.ts'
import type { Access } from '../access.ts'
import { jsonBody } from '../doors/requests.ts'
import type { RegistryService } from './registry-service.ts'

const hour = 3_600_000
const hours = z
  .number()
  .positive()
  .max(24 * 366)
const inviteSchema = z.strictObject({
  name: siteName,
  hours: hours.default(7 * 24),
  url: z.url({ protocol: /^https?$/ }),
})
const approveSchema = z.strictObject({ words: z.string().max(200) })
const reasonSchema = z.strictObject({ reason: z.string().max(1000).default('no reason given') })
const tokenSchema = z.strictObject({
  role: roleSchema,
  holder: z.string().min(1).max(63),
  hours: hours.default(90 * 24),
})

export interface OperatorParts {
  readonly registry: RegistryService
  readonly coordinator: Uint8Array
  readonly now: () => number
  readonly access: Access
  /** A site is no longer in the roster: its link ends. */
  readonly removed: (identity: Uint8Array) => void
}

export function operatorEnrolmentRoutes({ registry, coordinator, now, access, removed }: OperatorParts): Router {
  const router = Router()
  router.use(access('operator'), jsonBody)
  const identityOf = (name: string): string | undefined =>
    registry.current.roster.sites.find((site) => site.name === name)?.identity

  router.post('/invites', async (request, response) => {
    const wanted = check(inviteSchema, request.body, [], 'ERR_REQUEST')
    const seed = new Uint8Array(randomBytes(32))
    const expires = now() + wanted.hours * hour
    const key = toHex(await nodeProvider.ed25519PublicKey(seed))
    await registry.act((current, at) => invite(current, { name: wanted.name, invite: key, expires, at }))
    const link = inviteLink({ url: wanted.url, coordinator, seed, name: wanted.name, expires })
    response.status(201).json({ name: wanted.name, link, expires })
  })

  router.get('/sites', (_request, response) => {
    response.json(overview(registry.current))
  })

  router.post('/sites/:name/approve', async (request, response) => {
    const { name } = request.params
    const { words } = check(approveSchema, request.body, [], 'ERR_REQUEST')
    const before = identityOf(name)
    await registry.act((current, at) => {
      const entry = approve(current, name, at)
      // Who approves says what the site read out, so that a key exchanged on the way is not let in by a habit.
      if (entry.type === 'approved' && !sameWords(words, fingerprint(fromHex(entry.identity))))
        throw new InputError(
          'ERR_WORDS',
          `these are not the words of the key that waits as ${name}; ask the site again`,
        )
      return entry
    })
    if (before !== undefined) removed(fromHex(before))
    response.json(overview(registry.current))
  })

  router.post('/sites/:name/refuse', async (request, response) => {
    const { reason } = check(reasonSchema, request.body ?? {}, [], 'ERR_REQUEST')
    await registry.act((current, at) => refuse(current, request.params.name, reason, at))
    response.json(overview(registry.current))
  })

  router.post('/sites/:name/revoke', async (request, response) => {
    const { reason } = check(reasonSchema, request.body ?? {}, [], 'ERR_REQUEST')
    const before = identityOf(request.params.name)
    await registry.act((current, at) => revoke(current, request.params.name, reason, at))
    if (before !== undefined) removed(fromHex(before))
    response.json(overview(registry.current))
  })

  router.get('/tokens', (_request, response) => {
    const tokens = [...registry.current.tokens.values()]
    response.json(tokens.map(({ id, role, holder, expires, revoked }) => ({ id, role, holder, expires, revoked })))
  })

  router.post('/tokens', async (request, response) => {
    const wanted = check(tokenSchema, request.body, [], 'ERR_REQUEST')
    const token = await registry.issueToken({ ...wanted, expires: now() + wanted.hours * hour })
    response.status(201).json({ token, role: wanted.role, holder: wanted.holder })
  })

  router.delete('/tokens/:id', async (request, response) => {
    await registry.revokeToken(request.params.id)
    response.status(204).end()
  })
  return router
}

/** What the operator sees: nothing here is secret, invitations are told by their names alone. */
export function overview({ roster, waiting, invites }: Registry) {
  const words = (identity: string): string => fingerprint(fromHex(identity))
  return {
    roster: {
      version: roster.version,
      words: rosterWords(roster),
      sites: roster.sites.map(({ name, identity }) => ({ name, identity, words: words(identity) })),
    },
    // Without the words: who approves hears them from the site, and does not copy them from here.
    waiting: [...waiting].map(([name, { identity, since, kind }]) => ({ name, identity, since, kind })),
    invites: [...invites.values()].map(({ name, expires, usedBy }) => ({ name, expires, used: usedBy !== undefined })),
  }
}
