/** The observer's feed on socket.io: what has changed of the runs and the roster, and the events of the run that is followed. */

import type { Server, Socket } from 'socket.io'
import type { Role } from '../protocol/enrolment/entries.ts'
import { InputError } from '../protocol/errors.ts'
import { tokenFault } from './access.ts'
import type { Runs } from './runs.ts'

/** Milliseconds between two looks at what may have changed. */
const every = 500
/** Milliseconds within which a page takes what it was sent; one that does not has to connect anew. */
const patience = 30_000

export interface FeedParts {
  readonly runs: Pick<Runs, 'list' | 'batches' | 'sites'>
  readonly roleOf: (token: string) => Role | undefined
  /** What operators see of enrolment; unset where the roster was made by hand. */
  readonly roster: (() => unknown) | undefined
}

export function openFeed(io: Server, parts: FeedParts): void {
  const space = io.of('/observe')
  space.use((socket, next) => {
    if (parts.roleOf(tokenOf(socket)) !== undefined) return next()
    // The client is given `data` as it stands.
    next(Object.assign(new Error(tokenFault.message), { data: tokenFault }))
  })
  space.on('connection', (socket) => serve(socket, parts))
}

function serve(socket: Socket, { runs, roleOf, roster }: FeedParts): void {
  const token = tokenOf(socket)
  const told = new Map<string, string>()
  /** Counts what was asked to be followed: the last is. */
  let wish = 0
  let followed: string | undefined

  const tell = (name: string, value: unknown): void => {
    const text = JSON.stringify(value)
    if (told.get(name) !== text) socket.emit(name, value)
    told.set(name, text)
  }
  const look = (): void => {
    const role = roleOf(token)
    if (role === undefined) {
      socket.emit('refused', tokenFault)
      socket.disconnect(true)
      return
    }
    tell('role', role)
    tell('runs', runs.list())
    tell('sites', runs.sites(followed))
    if (role === 'operator' && roster !== undefined) tell('roster', roster())
  }
  const follow = async (id: string, mine: number): Promise<void> => {
    try {
      for await (const events of runs.batches(id)) {
        if (mine !== wish) return
        // The next batch goes out when this one was taken: a slow page does not pile up here.
        await socket.timeout(patience).emitWithAck('events', id, events)
      }
    } catch (error) {
      if (mine !== wish) return
      if (error instanceof InputError) socket.emit('refused', { code: error.code, message: error.message })
      else socket.conn.close()
    }
  }
  socket.on('follow', (id: unknown) => {
    wish++
    followed = typeof id === 'string' ? id : undefined
    if (followed !== undefined) void follow(followed, wish)
    look()
  })
  const looking = setInterval(look, every)
  socket.on('disconnect', () => {
    wish++
    clearInterval(looking)
  })
  look()
}

/** Whatever a peer sends in its place is a token that nobody has. */
function tokenOf(socket: Socket): string {
  const { token }: { readonly token?: unknown } = socket.handshake.auth
  return typeof token === 'string' && /^[0-9a-f]{64}$/.test(token) ? token : ''
}
