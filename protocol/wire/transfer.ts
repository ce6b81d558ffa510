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
  /** Before a transfer that broke off is taken up again. @throws ProtocolError ERR_LINK_LOST where that is of no use. */
  wait(milliseconds: number): Promise<void>
  sha256(blob: Uint8Array): Promise<Uint8Array>
}

/** A carrier whose requests show the token of a link. */
export const carrierWith = (carrier: Carrier, token: Uint8Array): Carrier => ({
  ...carrier,
  exchange: (path, call) =>
    carrier.exchange(path, { ...call, headers: { ...call.headers, authorization: `Bearer ${toHex(token)}` } }),
})

/** Largest body of an answer that is no blob. */
export const shortAnswer = 65_536

/** How often in a row a transfer may break off without a byte of progress before the link counts as lost. */
const fruitlessAttempts = 5

const receivedSchema = z.object({ received: z.int().min(0) })

/** @throws ProtocolError ERR_LINK_LOST, ERR_BLOB. */
export async function upload(carrier: Carrier, blob: Uint8Array, hash: Uint8Array): Promise<void> {
  const path = `uploads/${toHex(hash)}`
  let received = 0
  const send = async (): Promise<void> => {
    const answer = await carrier.exchange(path, {
      method: 'PUT',
      headers: { 'x-upload-length': String(blob.length), 'x-upload-offset': String(received) },
      body: blob.subarray(received),
    })
    if (answer.status !== 200) throw answer.status === 409 ? new Error('another offset was expected') : refused(answer)
    received = parseReceived(answer.body)
  }
  const ask = async (): Promise<void> => {
    const answer = await carrier.exchange(path, { method: 'GET', headers: {} })
    if (answer.status !== 200) throw refused(answer)
    received = parseReceived(answer.body)
  }
  for (let fruitless = 0, known = true; received < blob.length; ) {
    const before = received
    try {
      if (!known) await ask()
      known = true
      if (received < blob.length) await send()
    } catch (error) {
      known = false
      fruitless = received > before ? 1 : fruitless + 1
      await pause(carrier, error, fruitless)
    }
  }
}

/** @throws ProtocolError ERR_LINK_LOST, ERR_BLOB where it is absent, larger than `maxBytes`, or its hash is another. */
export async function download(carrier: Carrier, hash: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let received = 0
  for (let fruitless = 0; ; ) {
    const before = received
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
      fruitless = received > before ? 1 : fruitless + 1
      await pause(carrier, error, fruitless)
    }
  }
  const blob = concat(...parts)
  const digest = toHex(await carrier.sha256(blob))
  if (digest !== toHex(hash))
    throw new ProtocolError('ERR_BLOB', `expected bytes of SHA-256 ${toHex(hash)}, found ${digest}`)
  return blob
}

/** Before a broken transfer is taken up again. @throws what came where trying again would not help. */
async function pause(carrier: Carrier, error: unknown, fruitless: number): Promise<void> {
  if (error instanceof ProtocolError) throw error
  if (fruitless >= fruitlessAttempts) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ProtocolError('ERR_LINK_LOST', `the transfer broke off ${fruitless} times: ${reason}`, 'coordinator')
  }
  await carrier.wait(50 * 2 ** fruitless)
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

/** A token that opens nothing any more was a link's that the coordinator no longer has. */
const refused = ({ status, body }: Answer): ProtocolError =>
  status === 401
    ? new ProtocolError('ERR_LINK_LOST', 'the coordinator has given this link up', 'coordinator')
    : new ProtocolError(
        'ERR_BLOB',
        `the coordinator refused a transfer (${status}): ${readableText(body.subarray(0, 200))}`,
      )
