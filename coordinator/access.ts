/** Who may use a route of the API: a token stands for a role, and each role may do what the ones before it may. */

import type { NextFunction, Request, Response } from 'express'
import type { Role } from '../protocol/enrolment/entries.ts'

const rank: Readonly<Record<Role, number>> = { observer: 0, author: 1, operator: 2 }

/** What the roles may do, for people. */
export const roleMeaning: Readonly<Record<Role, string>> = {
  observer: 'watch runs',
  author: 'submit plans and watch runs',
  operator: 'everything: invite, approve and revoke sites, issue tokens, submit, pause and stop runs',
}

export const tokenFault = {
  code: 'ERR_TOKEN',
  message: 'expected a token of this coordinator that is in force',
} as const

export type Access = (least: Role) => (request: Request, response: Response, next: NextFunction) => void

/** Lets a request through whose bearer token has at least the role `least`; `response.locals.role` says which. */
export const access =
  (roleOf: (token: string) => Role | undefined): Access =>
  (least) =>
  (request, response, next) => {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1]
    const role = token === undefined ? undefined : roleOf(token)
    if (role === undefined) response.status(401).json(tokenFault)
    else if (rank[role] < rank[least])
      response.status(403).json({ code: 'ERR_ROLE', message: `expected the role ${least}, this token has ${role}` })
    else {
      response.locals.role = role
      next()
    }
  }
