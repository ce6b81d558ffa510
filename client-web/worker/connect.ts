/** A browser's link to the coordinator that served the page: control frames on socket.io, bulk bytes by `fetch`. */

import { io, type Socket } from 'socket.io-client'
import * as z from 'zod'
import { toHex } from '../../protocol/bytes.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { SiteLink } from '../../protocol/wire/channel.ts'
import { limits } from '../../protocol/wire/limits.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'

const transferAttempts = 5
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
    upload: (blob, hash) => upload({ bulk, token }, blob, toHex(hash)),
    download: async (hash, maxBytes) => {
      const blob = await download({ bulk, token }, toHex(hash), maxBytes)
      const found = toHex(await provider.sha256(blob))
      if (found !== toHex(hash))
        throw new ProtocolError('ERR_BLOB', `expected bytes of SHA-256 ${toHex(hash)}, found ${found}`)
      return blob
    },
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

interface Bulk {
  readonly bulk: URL
  readonly token: string
}

const receivedSchema = z.object({ received: z.int().min(0) })

async function upload(to: Bulk, blob: Uint8Array, hash: string): Promise<void> {
  let received = 0
  for (let attempt = 1; received < blob.length; attempt++) {
    try {
      const response = await request(to, `uploads/${hash}`, {
        method: 'PUT',
        headers: { 'x-upload-length': String(blob.length), 'x-upload-offset': String(received) },
        body: new Uint8Array(blob.subarray(received)),
      })
      if (!response.ok && response.status !== 409) throw await refused(response)
      received = response.ok ? parseReceived(await response.json()) : await receivedSoFar(to, hash)
    } catch (error) {
      await pause(error, attempt)
      received = await receivedSoFar(to, hash).catch(() => received)
    }
  }
}

/** Takes an interrupted download up again where it broke off. */
async function download(from: Bulk, hash: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let received = 0
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await request(from, `blobs/${hash}`, { headers: { range: `bytes=${received}-` } })
      if (!response.ok || response.body === null) throw await refused(response)
      for (const reader = response.body.getReader(); ; ) {
        const { value, done } = await reader.read()
        if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
        received += value.length
        if (received > maxBytes) throw new ProtocolError('ERR_BLOB', `expected at most ${maxBytes} bytes, more came`)
        parts.push(value)
      }
    } catch (error) {
      await pause(error, attempt)
    }
  }
}

/** @throws what came where trying again would not help. */
async function pause(error: unknown, attempt: number): Promise<void> {
  if (error instanceof ProtocolError) throw error
  if (attempt >= transferAttempts)
    throw new ProtocolError('ERR_LINK_LOST', `the transfer broke off ${attempt} times: ${String(error)}`, 'coordinator')
  await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt))
}

const receivedSoFar = async (to: Bulk, hash: string): Promise<number> =>
  parseReceived(await (await request(to, `uploads/${hash}`, {})).json())

function parseReceived(value: unknown): number {
  const parsed = receivedSchema.safeParse(value)
  if (!parsed.success) throw new ProtocolError('ERR_BLOB', 'expected the number of bytes received')
  return parsed.data.received
}

const request = ({ bulk, token }: Bulk, path: string, init: RequestInit): Promise<Response> =>
  fetch(new URL(path, bulk), { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })

const refused = async (response: Response): Promise<ProtocolError> =>
  new ProtocolError(
    'ERR_BLOB',
    `the coordinator refused a transfer (${response.status}): ${(await response.text()).slice(0, 200)}`,
  )
