/** A browser's link to the coordinator that served the page: control frames on socket.io, bulk bytes by `fetch`. */

import { io, type Socket } from 'socket.io-client'
import { concat, toHex } from '../../protocol/bytes.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { SiteLink } from '../../protocol/wire/channel.ts'
import { limits } from '../../protocol/wire/limits.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'
import { type Answer, type Call, type Carrier, download, shortAnswer, upload } from '../../protocol/wire/transfer.ts'

const openingMilliseconds = 15_000

/** Connects once. @throws ProtocolError ERR_UNREACHABLE */
export async function connect(url: URL, provider: Pick<CryptoProvider, 'sha256'>): Promise<SiteLink> {
  const base = url.pathname.replace(/\/$/, '')
  const socket = io(url.origin, {
    path: `${base}/socket.io`,
    transports: ['websocket', 'polling'],
    reconnection: false,
    timeout: openingMilliseconds,
    autoConnect: false,
  })
  const frames = new Mailbox<Uint8Array>()
  socket.on('frame', (frame: unknown) => {
    if (frame instanceof ArrayBuffer && frame.byteLength <= limits.frame) frames.put(new Uint8Array(frame))
    else socket.disconnect()
  })
  socket.on('disconnect', () => frames.close())
  await opened(socket, url)
  const bulk = new URL(`${base}/bulk/`, url)
  let token = ''
  const carrier: Carrier = {
    exchange: (path, call) => exchange(new URL(path, bulk), token, call),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    sha256: (blob) => provider.sha256(blob),
  }
  return {
    frames,
    send: (frame) => {
      socket.emit('frame', frame)
    },
    close: () => {
      socket.close()
      frames.close()
    },
    authorise: (given) => {
      token = toHex(given)
    },
    upload: (blob, hash) => upload(carrier, blob, hash),
    download: (hash, maxBytes) => download(carrier, hash, maxBytes),
  }
}

function opened(socket: Socket, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      clearTimeout(late)
      socket.close()
      reject(new ProtocolError('ERR_UNREACHABLE', `no coordinator answers at ${url.href}: ${reason}`))
    }
    const late = setTimeout(() => fail('the connection was not completed in time'), openingMilliseconds)
    socket.once('connect', () => {
      clearTimeout(late)
      resolve()
    })
    socket.once('connect_error', (error) => fail(error.message))
    socket.connect()
  })
}

/** One request by `fetch`, which a browser may not be told to read for ever: the body is bounded as it comes. */
async function exchange(target: URL, token: string, call: Call): Promise<Answer> {
  const { method, headers, body, maxBytes = shortAnswer, onChunk } = call
  const response = await fetch(target, {
    method,
    headers: { ...headers, authorization: `Bearer ${token}` },
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
