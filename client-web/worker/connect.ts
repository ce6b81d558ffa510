/** A browser's way to the coordinator that served the page: control frames on socket.io, bulk bytes by `fetch`. */

import { io } from 'socket.io-client'
import { concat } from '../../protocol/bytes.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { Channel } from '../../protocol/wire/channel.ts'
import { openChannel } from '../../protocol/wire/socket-channel.ts'
import { type Answer, type Call, type Carrier, shortAnswer } from '../../protocol/wire/transfer.ts'

/** Connects once. @throws ProtocolError ERR_UNREACHABLE */
export const connect = (url: URL): Promise<Channel> =>
  openChannel({
    url: url.href,
    socket: (options) => io(url.origin, { ...options, path: `${base(url)}/socket.io` }),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds)
      return () => clearTimeout(timer)
    },
  })

export function carrierTo(url: URL, provider: Pick<CryptoProvider, 'sha256'>): Carrier {
  const bulk = new URL(`${base(url)}/bulk/`, url)
  return {
    exchange: (path, call) => exchange(new URL(path, bulk), call),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    sha256: (blob) => provider.sha256(blob),
  }
}

const base = (url: URL): string => url.pathname.replace(/\/$/, '')

/** One request by `fetch`, which a browser may not be told to read for ever: the body is bounded as it comes. */
async function exchange(target: URL, call: Call): Promise<Answer> {
  const { method, headers, body, maxBytes = shortAnswer, onChunk } = call
  const response = await fetch(target, {
    method,
    headers,
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  })
  const parts: Uint8Array[] = []
  const take = response.ok && onChunk !== undefined ? onChunk : (chunk: Uint8Array) => parts.push(chunk)
  let size = 0
  for (const reader = response.body?.getReader(); reader !== undefined; ) {
    const { value, done } = await reader.read()
    if (done) break
    size += value.length
    if (size > maxBytes) throw new ProtocolError('ERR_BLOB', `expected at most ${maxBytes} bytes, more came`)
    take(value)
  }
  return { status: response.status, body: concat(...parts) }
}
