/** Requests before any route sees them: secure headers, rates by address, and bodies that must arrive in time. */

import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { rateLimit } from 'express-rate-limit'
import helmet from 'helmet'
import { doorLimits } from './limits.ts'

/** @param tls promises browsers that this host will speak TLS from now on. */
export const secureHeaders = (tls: boolean): RequestHandler =>
  helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    strictTransportSecurity: tls ? { maxAge: 31_536_000 } : false,
  })

/** A small JSON body; a compressed one is refused, it could unpack to anything. */
export const jsonBody: RequestHandler = express.json({ limit: '16kb', inflate: false })

/** A plan file as text, whatever the content type says. */
export const textBody: RequestHandler = express.text({ limit: '1mb', inflate: false, type: () => true })

/** So many requests a minute from one address; more are told to wait, which costs next to nothing. */
export const rate = (perMinute: number): RequestHandler =>
  rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    message: { code: 'ERR_RATE', message: `expected at most ${perMinute} requests a minute from one address` },
  })

/** A body that trickles in ends its connection; uploads have their own rule, they may take as long as bytes flow. */
export function bodyDeadline(request: Request, _response: Response, next: NextFunction): void {
  if (!request.complete) {
    const late = setTimeout(() => request.complete || request.destroy(), doorLimits.body)
    request.once('close', () => clearTimeout(late))
  }
  next()
}

/** Another site's page must not talk to this coordinator with a visitor's browser. */
export function isForeign(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host
}
