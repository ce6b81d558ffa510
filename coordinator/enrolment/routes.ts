/** The door for enrolment: applications, rotations and roster requests, each proved by the keys it names. */

import { type Response, Router } from 'express'
import { fromHex } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { rosterRequestSchema, type Standing, verifyRosterRequest } from '../../protocol/enrolment/answers.ts'
import {
  applicationSchema,
  rotationSchema,
  verifyApplication,
  verifyRotation,
} from '../../protocol/enrolment/application.ts'
import { applyTo, rotateIn, statusOf } from '../../protocol/enrolment/registry.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { check } from '../../protocol/plan.ts'
import { jsonBody } from '../doors/requests.ts'
import type { RegistryService } from './registry-service.ts'

export interface EnrolmentParts {
  readonly registry: RegistryService
  /** The coordinator's key. */
  readonly coordinator: Uint8Array
  readonly now: () => number
  /** The plans a new site may check its file against. */
  readonly plans: () => readonly string[]
  readonly report: (event: EnrolmentEvent) => void
}

/** What the operator's terminal says while somebody waits. */
export interface EnrolmentEvent {
  readonly type: 'applied' | 'rotating'
  readonly site: string
  readonly identity: string
}

export function enrolmentRoutes({ registry, coordinator, now, plans, report }: EnrolmentParts): Router {
  const router = Router()
  router.use(jsonBody)

  const standing = async (name: string, identity: string): Promise<Standing> => {
    const status = statusOf(registry.current, name, identity)
    const reason = registry.current.refused.get(identity)
    return {
      status,
      ...(status === 'refused' && reason !== undefined ? { reason } : {}),
      ...(status === 'approved' ? { roster: await registry.signedRoster() } : {}),
      plans: [...plans()],
    }
  }

  router.post('/applications', async (request, response) => {
    await answer(response, async () => {
      const application = check(applicationSchema, request.body, [], 'ERR_REQUEST')
      await verifyApplication(nodeProvider, coordinator, application)
      const before = registry.current
      const { name, identity } = application
      const known = statusOf(before, name, identity) !== 'refused'
      // Whoever has applied asks again with the same application: nothing changes, the answer is how it stands.
      if (!known) await registry.act((current, at) => applyTo(current, application, at))
      if (!known && registry.current !== before) report({ type: 'applied', site: name, identity })
      return standing(name, identity)
    })
  })

  router.post('/rotations', async (request, response) => {
    await answer(response, async () => {
      const rotation = check(rotationSchema, request.body, [], 'ERR_REQUEST')
      await verifyRotation(nodeProvider, coordinator, rotation)
      const before = registry.current
      await registry.act((current, at) => rotateIn(current, rotation, at))
      if (registry.current !== before) report({ type: 'rotating', site: rotation.name, identity: rotation.to })
      return standing(rotation.name, rotation.to)
    })
  })

  router.post('/roster', async (request, response) => {
    await answer(response, async () => {
      const wanted = check(rosterRequestSchema, request.body, [], 'ERR_REQUEST')
      await verifyRosterRequest(nodeProvider, wanted, { coordinator, now: now() })
      if (!registry.roster.some(({ identity }) => Buffer.from(identity).equals(fromHex(wanted.identity))))
        throw new ProtocolError('ERR_UNKNOWN_SITE', 'this key is not in the roster')
      return { status: 'approved', roster: await registry.signedRoster(), plans: [] }
    })
  })
  return router
}

/** A peer's fault is told to the peer with its code; everything else goes to the coordinator's own handler. */
async function answer(response: Response, make: () => Promise<Standing>): Promise<void> {
  try {
    response.json(await make())
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    response.status(403).json({ code: error.code, message: error.message })
  }
}
