/** What the page says at the coordinator's door for enrolment. */

import * as z from 'zod'
import { type Standing, standingSchema } from '../../protocol/enrolment/answers.ts'
import { errorCode, ProtocolError } from '../../protocol/errors.ts'

const refusalSchema = z.object({ code: z.string(), message: z.string() })

/** @throws ProtocolError with the coordinator's code, or ERR_UNREACHABLE. */
export async function ask(url: URL, door: 'applications' | 'roster', body: unknown): Promise<Standing> {
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`
  const response = await fetch(new URL(`enrol/${door}`, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch((error: unknown) => {
    throw new ProtocolError('ERR_UNREACHABLE', `no coordinator answers at ${url.href}: ${String(error)}`)
  })
  const value: unknown = await response.json().catch(() => undefined)
  if (!response.ok) {
    const refusal = refusalSchema.safeParse(value)
    if (!refusal.success) throw new ProtocolError('ERR_PEER', `the coordinator answered ${response.status}`)
    throw new ProtocolError(errorCode(refusal.data.code), refusal.data.message, 'coordinator')
  }
  const parsed = standingSchema.safeParse(value)
  if (!parsed.success) throw new ProtocolError('ERR_PEER', 'the coordinator gave an answer that is none', 'coordinator')
  return parsed.data
}
