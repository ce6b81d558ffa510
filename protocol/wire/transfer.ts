/** Transfers of bulk bytes that go on where they broke off; what carries the single requests is the shell's. */

import * as z from 'zod'
import { concat, readableText, toHex } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'

export interface Call {
  readonly method: 'GET' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Largest body that is taken; a short answer where unset. */
  readonly maxBytes?: number
  /** Takes the body of a successful answer as it comes, so that a broken transfer keeps what it got. */
  readonly onChunk?: (chunk: Uint8Array) => void
}

export interface Answer {
  readonly status: number
  /** Empty where it went to `onChunk`. */
  readonly body: Uint8Array
}

export interface Carrier {
  /** One request to the bulk plane. Rejects where the connection broke. @throws ProtocolError ERR_BLOB for too large a body. */
  exchange(path: string, call: Call): Promise<Answer>
  wait(milliseconds: number): Promise<void>
  sha256(blob: Uint8Array): Promise<Uint8Array>
}

/** Largest body of an answer that is no blob. */
export const shortAnswer = 65_536

/** How often an interrupted transfer is taken up again before the link counts as lost. */
const transferAttempts = 5

const receivedSchema = z.object({ received: z.int().min(0) })

/** @throws ProtocolError ERR_LINK_LOST, ERR_BLOB. */
export async function upload(carrier: Carrier, blob: Uint8Array, hash: Uint8Array): Promise<void> {
  const path = `uploads/${toHex(hash)}`
  const receivedSoFar = async (): Promise<number> =>
    parseReceived((await carrier.exchange(path, { method: 'GET', headers: {} })).body)
  let received = 0
  for (let attempt = 1; received < blob.length; attempt++) {
    try {
      const answer = await carrier.exchange(path, {
        method: 'PUT',
        headers: { 'x-upload-length': String(blob.length), 'x-upload-offset': String(received) },
        body: blob.subarray(received),
      })
      if (answer.status !== 200 && answer.status !== 409) throw refused(answer)
      received = answer.status === 200 ? parseReceived(answer.body) : await receivedSoFar()
    } catch (error) {
      await pause(carrier, error, attempt)
      received = await receivedSoFar().catch(() => received)
    }
  }
}

/** @throws ProtocolError ERR_LINK_LOST, ERR_BLOB where it is absent, larger than `maxBytes`, or its hash is another. */
export async function download(carrier: Carrier, hash: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let received = 0
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await carrier.exchange(`blobs/${toHex(hash)}`, {
        method: 'GET',
        headers: { range: `bytes=${received}-` },
        maxBytes: maxBytes - received,
        onChunk: (chunk) => {
          parts.push(chunk)
          received += chunk.length
        },
      })
      if (answer.status !== 200 && answer.status !== 206) throw refused(answer)
      break
    } catch (error) {
      await pause(carrier, error, attempt)
    }
  }
  const blob = concat(...parts)
  const digest = toHex(await carrier.sha256(blob))
  if (digest !== toHex(hash))
    throw new ProtocolError('ERR_BLOB', `expected bytes of SHA-256 ${toHex(hash)}, found ${digest}`)
  return blob
}

/** Before a broken transfer is taken up again. @throws what came where trying again would not help. */
async function pause(carrier: Carrier, error: unknown, attempt: number): Promise<void> {
  if (error instanceof ProtocolError) throw error
  if (attempt >= transferAttempts) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ProtocolError('ERR_LINK_LOST', `the transfer broke off ${attempt} times: ${reason}`, 'coordinator')
  }
  await carrier.wait(50 * 2 ** attempt)
}

function parseReceived(body: Uint8Array): number {
  const parsed = receivedSchema.safeParse(parsedJson(readableText(body)))
  if (!parsed.success) throw new ProtocolError('ERR_BLOB', 'expected the number of bytes received')
  return parsed.data.received
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const refused = ({ status, body }: Answer): ProtocolError =>
  new ProtocolError(
    'ERR_BLOB',
    `the coordinator refused a transfer (${status}): ${readableText(body.subarray(0, 200))}`,
  )
