/** What a site says at the coordinator's door for enrolment, over plain HTTP requests. */

import { readableText, utf8 } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { type Standing, standingOf } from '../protocol/enrolment/answers.ts'
import { parseSignedRoster, type SignedRoster } from '../protocol/enrolment/signed-roster.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { request } from './request.ts'

const answerMilliseconds = 30_000
/** A roster of ten thousand sites, and the plans that wait. */
const answerBytes = 64 << 20

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
  const answer = await request(new URL(`enrol/${door}`, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: utf8(JSON.stringify(body)),
    maxBytes: answerBytes,
    signal: AbortSignal.timeout(answerMilliseconds),
  }).catch((error: unknown) => {
    if (error instanceof ProtocolError) throw error
    const cause = error instanceof Error ? error.message : String(error)
    throw new ProtocolError('ERR_UNREACHABLE', `no coordinator answers at ${url.href}: ${cause}`)
  })
  const standing = standingOf(answer.status, parsedJson(answer.body))
  const { roster } = standing
  const signed = roster === undefined ? undefined : await parseSignedRoster(nodeProvider, roster, coordinator)
  return { ...standing, signed }
}

function parsedJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(readableText(body))
  } catch {
    return undefined
  }
}
