/** A site's link over the network: control frames on socket.io, bulk bytes over plain HTTP, both outbound. */

import { createHash } from 'node:crypto'
import type { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { toHex } from '../protocol/bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { SiteLink } from '../protocol/wire/channel.ts'
import { limits } from '../protocol/wire/limits.ts'
import { Mailbox } from '../protocol/wire/mailbox.ts'
import { type Carrier, download, upload } from '../protocol/wire/transfer.ts'
import { proxyAgentFor } from './proxy.ts'
import { request } from './request.ts'

/** WebSocket first; where a proxy lets none through, requests that are held open (long polling). */
const transports = ['websocket', 'polling']

/** Connects once. @throws ProtocolError ERR_UNREACHABLE when nobody answers at `url`. */
export async function connect(url: URL): Promise<SiteLink> {
  const agent = proxyAgentFor(url)
  try {
    return await connectBy(transports, url, agent)
  } catch (error) {
    // A WebSocket that is neither opened nor refused: something on the way swallows it.
    if (!(error instanceof TimedOut)) throw error
    return connectBy(['polling'], url, agent)
  }
}

async function connectBy(by: string[], url: URL, agent: Agent | undefined): Promise<SiteLink> {
  const options = {
    path: `${url.pathname.replace(/\/$/, '')}/socket.io`,
    transports: by,
    tryAllTransports: true,
    reconnection: false,
    timeout: 10_000,
    autoConnect: false,
    forceNew: true,
  }
  // Node's transports take an agent; the types know those of browsers alone.
  const socket = io(url.origin, agent === undefined ? options : Object.assign(options, { agent }))
  const frames = new Mailbox<Uint8Array>()
  socket.on('frame', (frame: unknown) => {
    if (frame instanceof Uint8Array && frame.length <= limits.frame) {
      frames.put(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength))
    } else socket.disconnect()
  })
  socket.on('disconnect', () => frames.close())
  await opened(socket, url)
  let token = ''
  const bulk = new URL(`${url.pathname.replace(/\/$/, '')}/bulk/`, url)
  const carrier: Carrier = {
    exchange: (path, call) =>
      request(new URL(path, bulk), { ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } }),
    wait: (milliseconds) => delay(milliseconds),
    sha256: async (blob) => new Uint8Array(createHash('sha256').update(blob).digest()),
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

/** Nobody has refused the connection, and nobody has taken it. */
class TimedOut extends ProtocolError {}

/** Milliseconds for all of the connecting: a coordinator that dies half-way through it says nothing more. */
const openingMilliseconds = 15_000

function opened(socket: Socket, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, Kind: typeof ProtocolError = ProtocolError): void => {
      clearTimeout(late)
      socket.close()
      reject(new Kind('ERR_UNREACHABLE', `no coordinator answers at ${url.href}: ${reason}`))
    }
    const late = setTimeout(() => fail('the connection was not completed in time', TimedOut), openingMilliseconds)
    socket.once('connect', () => {
      clearTimeout(late)
      resolve()
    })
    socket.once('connect_error', (error) => fail(error.message, error.message === 'timeout' ? TimedOut : ProtocolError))
    socket.once('disconnect', (reason) => fail(reason))
    socket.io.once('close', (reason) => fail(reason))
    socket.connect()
  })
}
