/** What the page says at the coordinator's door for enrolment. */

import { type Standing, standingOf } from '../../protocol/enrolment/answers.ts'
import { ProtocolError } from '../../protocol/errors.ts'

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
  return standingOf(response.status, await response.json().catch(() => undefined))
}
