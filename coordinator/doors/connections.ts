/** Connections before a byte of them is read: how many there may be, from where, and for how long they may be silent. */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { doorLimits } from './limits.ts'

/** @param perAddress no limit where a reverse proxy stands in front: then all come from its address. */
export function guardConnections(server: Server, { perAddress }: { readonly perAddress: boolean }): void {
  const open = new Map<string, number>()
  server.maxConnections = doorLimits.connections
  // Ends connections that trickle; WebSockets have a heartbeat of their own and are not meant.
  server.timeout = doorLimits.idle
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const count = (open.get(address) ?? 0) + 1
    if (perAddress && count > doorLimits.connectionsPerAddress) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  })
}
