/** What the coordinator's door for enrolment says, and what a member signs to fetch the current roster. */

import * as z from 'zod'
import { concat, fromHex, toHex, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { errorCode, ProtocolError } from '../errors.ts'
import { identityHex } from '../roster.ts'
import type { Identity } from '../wire/handshake.ts'

const standingSchema = z.object({
  status: z.enum(['pending', 'approved', 'refused']),
  /** Why the operator turned the site down. */
  reason: z.string().max(1000).optional(),
  /** The signed roster, once the site is in it; checked against the pinned key before anything else is done with it. */
  roster: z.unknown().optional(),
  /** The plans that wait or run, for a check of the site's file; nothing is promised by them. */
  plans: z.array(z.string().max(1_000_000)).max(100).default([]),
})

export type Standing = z.infer<typeof standingSchema>

const refusalSchema = z.object({ code: z.string(), message: z.string() })

/** An answer of the door as it came over HTTP. @throws ProtocolError with the coordinator's code, or ERR_PEER. */
export function standingOf(status: number, value: unknown): Standing {
  if (status !== 200) {
    const refusal = refusalSchema.safeParse(value)
    if (!refusal.success) throw new ProtocolError('ERR_PEER', `the coordinator answered ${status}`)
    throw new ProtocolError(errorCode(refusal.data.code), refusal.data.message, 'coordinator')
  }
  const parsed = standingSchema.safeParse(value)
  if (!parsed.success) throw new ProtocolError('ERR_PEER', 'the coordinator gave an answer that is none', 'coordinator')
  return parsed.data
}

export const rosterRequestSchema = z.strictObject({
  identity: identityHex,
  at: z.int().min(0),
  signature: z.string().regex(/^[0-9a-f]{128}$/),
})

export type RosterRequest = z.infer<typeof rosterRequestSchema>

/** How long a request is good for, in milliseconds either way: clocks differ, and a copy is of no use later. */
const freshness = 10 * 60_000

export async function rosterRequest(coordinator: Uint8Array, own: Identity, at: number): Promise<RosterRequest> {
  return {
    identity: toHex(own.publicKey),
    at,
    signature: toHex(await own.sign(requestBytes(coordinator, own.publicKey, at))),
  }
}

/** @throws ProtocolError ERR_SIGNATURE, ERR_CLOCK. */
export async function verifyRosterRequest(
  crypto: Pick<CryptoProvider, 'ed25519Verify'>,
  request: RosterRequest,
  { coordinator, now }: { readonly coordinator: Uint8Array; readonly now: number },
): Promise<void> {
  const identity = fromHex(request.identity)
  const bytes = requestBytes(coordinator, identity, request.at)
  if (!(await crypto.ed25519Verify(identity, bytes, fromHex(request.signature))))
    throw new ProtocolError('ERR_SIGNATURE', 'the request does not carry the signature of its key')
  if (Math.abs(request.at - now) > freshness)
    throw new ProtocolError('ERR_CLOCK', 'the clocks of site and coordinator are more than ten minutes apart; set them')
}

const requestBytes = (coordinator: Uint8Array, identity: Uint8Array, at: number): Uint8Array =>
  concat(utf8('concordat/v1/enrolment/roster'), new Writer().raw(coordinator).raw(identity).uint64(at).finish())
