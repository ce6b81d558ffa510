/** The coordinator's feed as the page follows it: on socket.io, which comes back by itself and passes proxies by polling. */

import { io } from 'socket.io-client'
import * as z from 'zod/mini'
import {
  parseEvent,
  type Refused,
  type Role,
  type Roster,
  type RunSummary,
  refusalSchema,
  roleSchema,
  rosterSchema,
  runsSchema,
  type ShownEvent,
  type SiteStanding,
  sitesSchema,
} from './answers.ts'

export interface FeedListener {
  role(role: Role): void
  runs(runs: readonly RunSummary[]): void
  /** Those of the run that is followed; of the roster where none is. */
  sites(sites: readonly SiteStanding[]): void
  /** For operators, where sites enrol by invitation. */
  roster(roster: Roster): void
  /** Events of the run that is followed; the first of a connection begin it anew. */
  events(events: readonly ShownEvent[], first: boolean): void
  /** Whether the coordinator can be heard. */
  online(here: boolean): void
  /** A token that is not in force ends the feed. */
  refused(refusal: Refused): void
}

export interface Feed {
  /** Nothing is followed where unset. */
  follow(id: string | undefined): void
  close(): void
}

const longestWait = 15_000

/** @param base of the coordinator, with a slash at its end. */
export function openFeed(base: URL, token: string, listener: FeedListener): Feed {
  const socket = io(`${base.origin}/observe`, {
    path: `${base.pathname}socket.io`,
    auth: { token },
    // A page of another tab or another token is another connection.
    forceNew: true,
    reconnectionDelayMax: longestWait,
  })
  let followed: string | undefined
  let fresh = true
  const ask = (): void => {
    fresh = true
    if (followed !== undefined) socket.emit('follow', followed)
  }
  /** What is not as expected is not taken: the page shows what it understands. */
  const on = <T>(name: string, schema: z.ZodMiniType<T>, take: (value: T) => void): void => {
    socket.on(name, (value: unknown) => {
      const { data } = z.safeParse(schema, value)
      if (data !== undefined) take(data)
    })
  }
  on('role', roleSchema, listener.role)
  on('runs', runsSchema, listener.runs)
  on('sites', sitesSchema, listener.sites)
  on('roster', rosterSchema, listener.roster)
  on('refused', refusalSchema, listener.refused)
  socket.on('events', (id: unknown, events: unknown, taken: unknown) => {
    if (typeof taken === 'function') taken()
    if (id !== followed || !Array.isArray(events)) return
    listener.events(
      events.map(parseEvent).filter((event) => event !== undefined),
      fresh,
    )
    fresh = false
  })
  socket.on('connect', () => {
    listener.online(true)
    ask()
  })
  socket.on('disconnect', () => listener.online(false))
  socket.on('connect_error', (error) => {
    // Where the coordinator has answered it says why; such a connection is not tried again.
    const { data } = z.safeParse(refusalSchema, 'data' in error ? error.data : undefined)
    if (data === undefined) listener.online(false)
    else listener.refused(data)
  })
  return {
    follow: (id) => {
      followed = id
      if (!socket.connected) return
      if (id === undefined) socket.emit('follow', null)
      else ask()
    },
    close: () => {
      socket.removeAllListeners()
      socket.close()
    },
  }
}
