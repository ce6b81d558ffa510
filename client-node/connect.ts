/** A site's way to its coordinator: control frames on socket.io, bulk bytes over plain HTTP, both outbound. */

import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { io } from 'socket.io-client'
import type { Channel } from '../protocol/wire/channel.ts'
import { openChannel } from '../protocol/wire/socket-channel.ts'
import type { Carrier } from '../protocol/wire/transfer.ts'
import { proxyAgentFor } from './proxy.ts'
import { request } from './request.ts'

/** Connects once. @throws ProtocolError ERR_UNREACHABLE when nobody answers at `url`. */
export function connect(url: URL): Promise<Channel> {
  const agent = proxyAgentFor(url)
  return openChannel({
    url: url.href,
    socket: (options) => {
      const dialled = { ...options, path: `${base(url)}/socket.io` }
      // Node's transports take an agent; the types know those of browsers alone.
      return io(url.origin, agent === undefined ? dialled : Object.assign(dialled, { agent }))
    },
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds)
      return () => clearTimeout(timer)
    },
  })
}

export function carrierTo(url: URL): Carrier {
  const bulk = new URL(`${base(url)}/bulk/`, url)
  return {
    exchange: (path, call) => request(new URL(path, bulk), call),
    wait: (milliseconds) => delay(milliseconds),
    sha256: async (blob) => new Uint8Array(createHash('sha256').update(blob).digest()),
  }
}

const base = (url: URL): string => url.pathname.replace(/\/$/, '')
