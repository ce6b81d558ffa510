/** One HTTP request of a site: outbound only, through the network's proxy where there is one, its answer bounded. */

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { ProtocolError } from '../protocol/errors.ts'
import { type Answer, type Call, shortAnswer } from '../protocol/wire/transfer.ts'
import { proxyAgentFor } from './proxy.ts'

export interface SiteCall extends Omit<Call, 'method'> {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly signal?: AbortSignal
}

export interface SiteAnswer extends Answer {
  /** The peer's clock, where it told it. */
  readonly date: string | undefined
}

/** Milliseconds without a byte in either direction after which a connection counts as broken: the network may say nothing. */
const idleMilliseconds = 30_000

/** Rejects where the connection breaks. @throws ProtocolError ERR_BLOB for too large a body. */
export function request(target: URL, { method, headers, body, signal, ...call }: SiteCall): Promise<SiteAnswer> {
  const agent = proxyAgentFor(target)
  const options = {
    method,
    ...(agent && { agent }),
    ...(signal && { signal }),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': body.length }) },
  }
  return new Promise((resolve, reject) => {
    const sent = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
      const { statusCode: status = 0, headers: answered } = response
      collect(response, call).then((bytes) => resolve({ status, body: bytes, date: answered.date }), reject)
    })
    sent.on('error', reject)
    sent.setTimeout(idleMilliseconds, () => sent.destroy(new Error('no byte came or went for half a minute')))
    sent.end(body)
  })
}

async function collect(
  response: IncomingMessage,
  { maxBytes = shortAnswer, onChunk }: Pick<Call, 'maxBytes' | 'onChunk'>,
): Promise<Uint8Array> {
  const streamed = onChunk !== undefined && (response.statusCode === 200 || response.statusCode === 206)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    const bytes: Buffer = chunk
    size += bytes.length
    if (size > maxBytes) {
      response.destroy()
      throw new ProtocolError('ERR_BLOB', `expected at most ${maxBytes} bytes, more came`)
    }
    if (streamed) onChunk(bytes)
    else parts.push(bytes)
  }
  return Buffer.concat(parts)
}
