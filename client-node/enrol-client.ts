/** What a site says at the coordinator's door for enrolment, over plain HTTP requests. */

import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { type Standing, standingOf } from '../protocol/enrolment/answers.ts'
import { parseSignedRoster, type SignedRoster } from '../protocol/enrolment/signed-roster.ts'
import { ProtocolError } from '../protocol/errors.ts'

const answerMilliseconds = 30_000

export interface Answer extends Standing {
  readonly signed: SignedRoster | undefined
}

/** @throws ProtocolError with the coordinator's code, or ERR_UNREACHABLE; InputError ERR_ROSTER for a roster it did not sign. */
export async function ask(
  url: URL,
  door: 'applications' | 'rotations' | 'roster',
  { body, coordinator }: { readonly body: unknown; readonly coordinator: Uint8Array },
): Promise<Answer> {
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`
  const response = await fetch(new URL(`enrol/${door}`, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(answerMilliseconds),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new ProtocolError('ERR_UNREACHABLE', `no coordinator answers at ${url.href}: ${cause}`)
  })
  const standing = standingOf(response.status, await response.json().catch(() => undefined))
  const { roster } = standing
  const signed = roster === undefined ? undefined : await parseSignedRoster(nodeProvider, roster, coordinator)
  return { ...standing, signed }
}
