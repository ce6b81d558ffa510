/** A site's connection by socket.io, the same in Node and in a browser: what differs between them is handed in. */

import { ProtocolError } from '../errors.ts'
import type { Channel } from './channel.ts'
import { limits } from './limits.ts'
import { Mailbox } from './mailbox.ts'

/** As much of a socket.io client as is used. */
export interface EventSocket {
  on(event: string, listener: (value: unknown) => void): unknown
  emit(event: string, frame: Uint8Array): unknown
  connect(): unknown
  close(): unknown
  /** What holds the transport under it. */
  readonly io: { on(event: 'close', listener: (reason: string) => void): unknown }
}

/** A socket that is not connected yet and does not reconnect, by the first of these transports that passes. */
const once = { tryAllTransports: true, reconnection: false, timeout: 10_000, autoConnect: false, forceNew: true }

export type SocketOptions = typeof once & { transports: string[] }

export interface Dial {
  /** The coordinator, for a person. */
  readonly url: string
  readonly socket: (options: SocketOptions) => EventSocket
  /** Calls `run` later; what it returns prevents that. */
  readonly after: (milliseconds: number, run: () => void) => () => void
}

/** Milliseconds for all of the connecting: a coordinator that dies half-way through it says nothing more. */
const openingMilliseconds = 15_000

/** Nobody has refused the connection, and nobody has taken it. */
class TimedOut extends ProtocolError {}

/**
 * Connects once: by WebSocket, and where a proxy lets none through by requests that are held open (long polling).
 * @throws ProtocolError ERR_UNREACHABLE when nobody answers.
 */
export async function openChannel(dial: Dial): Promise<Channel> {
  try {
    return await open(dial, ['websocket', 'polling'])
  } catch (error) {
    // A WebSocket that is neither opened nor refused: something on the way swallows it.
    if (!(error instanceof TimedOut)) throw error
    return open(dial, ['polling'])
  }
}

function open({ url, socket: make, after }: Dial, transports: string[]): Promise<Channel> {
  const socket = make({ ...once, transports })
  const frames = new Mailbox<Uint8Array>()
  socket.on('frame', (value) => {
    const frame = bytesOf(value)
    if (frame !== undefined && frame.length <= limits.frame) frames.put(frame)
    else socket.close()
  })
  const channel: Channel = {
    frames,
    send: (frame) => {
      socket.emit('frame', frame)
    },
    close: () => {
      socket.close()
      frames.close()
    },
  }
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (outcome: () => void): void => {
      if (settled) return
      settled = true
      prevent()
      outcome()
    }
    const fail = (reason: string, Kind: typeof ProtocolError = ProtocolError): void =>
      settle(() => {
        socket.close()
        reject(new Kind('ERR_UNREACHABLE', `no coordinator answers at ${url}: ${reason}`))
      })
    const prevent = after(openingMilliseconds, () => fail('the connection was not completed in time', TimedOut))
    socket.on('connect', () => settle(() => resolve(channel)))
    socket.on('connect_error', (error) => {
      const reason = error instanceof Error ? error.message : String(error)
      fail(reason, reason === 'timeout' ? TimedOut : ProtocolError)
    })
    socket.on('disconnect', (reason) => {
      frames.close()
      fail(String(reason))
    })
    socket.io.on('close', (reason) => fail(reason))
    socket.connect()
  })
}

/** Node's sockets give buffers, a browser's array buffers. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}
