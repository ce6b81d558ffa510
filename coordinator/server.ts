/** The coordinator's doors: control frames on socket.io and bulk bytes over HTTP, on one port. */

import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { Server, type Socket } from 'socket.io'
import { InputError } from '../protocol/errors.ts'
import type { Channel } from '../protocol/wire/channel.ts'
import { limits } from '../protocol/wire/limits.ts'
import { Mailbox } from '../protocol/wire/mailbox.ts'
import type { BulkPlane } from './bulk.ts'
import { guardConnections } from './doors/connections.ts'
import { frameGate } from './doors/frames.ts'
import { bodyDeadline, isForeign, secureHeaders } from './doors/requests.ts'
import { openListener, type TlsFiles } from './doors/tls.ts'
import { clock } from './machine.ts'

export interface Doors {
  readonly port: number
  /** Reads the TLS certificate again. @throws InputError ERR_TLS */
  renew(): Promise<void>
  close(): Promise<void>
}

export interface DoorOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** HTTPS with these; HTTP where unset. */
  readonly tls?: TlsFiles | undefined
  /** Reverse proxies in front, whose word on a peer's address is taken. */
  readonly proxies?: number
  readonly bulk: BulkPlane
  /** Further routes: health, the operator's API. */
  readonly routes: (app: Express) => void
  /** Further namespaces: what observers follow. */
  readonly sockets?: (io: Server) => void
  readonly onConnection: (connection: Connection) => void
}

/** A peer has connected; nothing of it is trusted yet. */
export interface Connection extends Channel {
  /** It has proved its key: more of its frames may wait. */
  trust(): void
}

/** @throws InputError ERR_PORT when the port is taken or not allowed, ERR_TLS. */
export async function openDoors(options: DoorOptions): Promise<Doors> {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', options.proxies ?? 0)
  app.use(secureHeaders(options.tls !== undefined))
  app.use('/bulk', options.bulk.router)
  app.use(bodyDeadline)
  options.routes(app)
  app.use((request: Request, response: Response) => {
    response.status(404).json({ code: 'ERR_ROUTE', message: `nothing is served at ${request.path}` })
  })
  // Express tells an error handler by its four arguments. A peer never sees a stack trace.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (response.headersSent) response.destroy()
    else if (error instanceof InputError) response.status(400).json({ code: error.code, message: error.message })
    else response.status(statusOf(error)).json({ code: 'ERR_REQUEST', message: 'the request could not be handled' })
  })

  const listener = await openListener(app, options.tls)
  const http = listener.server
  guardConnections(http, { perAddress: (options.proxies ?? 0) === 0 })
  const io = new Server(http, {
    maxHttpBufferSize: limits.frame,
    perMessageDeflate: false,
    serveClient: false,
    pingInterval: 10_000,
    pingTimeout: 20_000,
    allowRequest: ({ headers }, answer) => {
      const foreign = isForeign(headers.origin, headers.host)
      answer(foreign ? 'expected a page of this coordinator' : null, !foreign)
    },
  })
  options.sockets?.(io)
  io.on('connection', (socket) => options.onConnection(connectionOf(socket)))
  await listen(http, options)
  const address = http.address() as AddressInfo
  return {
    port: address.port,
    renew: listener.renew,
    close: async () => {
      const closed = io.close()
      // Whoever follows a run, or is in the middle of a transfer, would keep the port open.
      http.closeAllConnections()
      await closed
    },
  }
}

function connectionOf(socket: Socket): Connection {
  const frames = new Mailbox<Uint8Array>()
  const gate = frameGate(clock)
  socket.on('frame', (frame: unknown) => {
    // Anything but bytes is no frame of ours, and nobody may send without end: the peer is cut off, the others do not notice.
    const taken =
      frame instanceof Uint8Array && frame.length <= limits.frame && gate.admits(frame.length, frames.waiting)
    if (!taken) socket.disconnect(true)
    else frames.put(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength))
  })
  socket.on('disconnect', () => frames.close())
  return {
    frames,
    send: (frame) => {
      socket.emit('frame', frame)
    },
    close: () => {
      socket.disconnect(true)
    },
    trust: () => gate.trust(),
  }
}

function listen(http: HttpServer, { host, port }: DoorOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const causes: Readonly<Record<string, string>> = {
        EADDRINUSE: `port ${port} on ${host} is in use; stop the other program or choose another with --port`,
        EACCES: `port ${port} on ${host} needs more rights; choose one above 1023 with --port`,
        EADDRNOTAVAIL: `${host} is no address of this machine; choose another with --host`,
      }
      const cause = causes[error.code ?? '']
      reject(cause === undefined ? error : new InputError('ERR_PORT', cause))
    })
    http.listen(port, host, () => resolve())
  })
}

function statusOf(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status
  return 500
}
