/** A coordinator that tells what a test or a bench wants told: the real pages and the real feed over runs that nobody computes. */

import { createServer } from 'node:http'
import express from 'express'
import { Server } from 'socket.io'
import { EventLog } from '../coordinator/event-log.ts'
import type { RunEvent, TimedEvent } from '../coordinator/events.ts'
import { type FeedParts, openFeed } from '../coordinator/feed.ts'
import { openPages } from '../coordinator/pages.ts'
import type { RunSummary, SiteStanding } from '../coordinator/runs.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import type { Role } from '../protocol/enrolment/entries.ts'
import { InputError } from '../protocol/errors.ts'
import { append, emptyHead, type Head } from '../protocol/journal/chain.ts'
import { encodeEntry } from '../protocol/journal/codec.ts'
import type { JournalEntry } from '../protocol/journal/entries.ts'

export interface ToldRun extends Partial<RunSummary> {
  readonly id: string
  readonly name: string
  readonly events?: readonly TimedEvent[]
  readonly journal?: readonly JournalEntry[]
  /** Nothing more will happen. */
  readonly ended?: boolean
}

export interface Told {
  readonly role: Role
  readonly runs: readonly ToldRun[]
  readonly roster?: FeedParts['roster']
  readonly sites?: readonly SiteStanding[]
}

export interface ToldCoordinator {
  readonly url: string
  /** As a link has it. */
  readonly token: string
  readonly hash: string
  tell(id: string, event: RunEvent): void
  /** Its token is in force no longer. */
  revoke(): void
  close(): Promise<void>
}

const token = '1'.repeat(64)
const usual: Omit<RunSummary, 'id' | 'name'> = {
  ...{ status: 'running', submitted: 1.7e12, rounds: 0, missing: [], code: '', reason: '' },
}

export async function toldCoordinator({ role, runs, roster, sites = [] }: Told): Promise<ToldCoordinator> {
  let inForce: Role | undefined = role
  const now = { at: 1.7e12 }
  const logs = new Map<string, EventLog>()
  for (const { id, events = [], ended } of runs) {
    const log = new EventLog({ clock: { now: () => now.at }, watch: () => {}, retell: async () => undefined })
    for (const { at, ...event } of events) {
      now.at = at
      log.add(event)
    }
    if (ended) log.end()
    logs.set(id, log)
  }
  const journals = new Map<string, string>()
  for (const { id, journal = [] } of runs) journals.set(id, await journalText(journal))
  const pages = await openPages()
  const app = express()
  app.get('/api/runs/:id/journal', (request, response) => {
    response.type('application/x-ndjson').send(journals.get(request.params.id) ?? '')
  })
  app.use(pages.router)
  const http = createServer(app)
  const io = new Server(http)
  openFeed(io, {
    runs: {
      list: () => runs.map(({ events, journal, ended, ...summary }) => ({ ...usual, ...summary })),
      sites: () => sites,
      batches: (id) => {
        const log = logs.get(id)
        if (log === undefined) throw new InputError('ERR_RUN', `there is no run ${id}`)
        return log.batches()
      },
    },
    roleOf: (given) => (given === token ? inForce : undefined),
    roster,
  })
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('a server without a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    ...{ token, hash: pages.hash },
    revoke: () => {
      inForce = undefined
    },
    tell: (id, event) => {
      now.at += 1000
      logs.get(id)?.add(event)
    },
    close: async () => {
      const closed = io.close()
      http.closeAllConnections()
      await closed
    },
  }
}

async function journalText(entries: readonly JournalEntry[]): Promise<string> {
  const seed = new Uint8Array(32).fill(9)
  let head: Head = emptyHead
  let text = ''
  for (const [i, entry] of entries.entries()) {
    const seal = { at: 1.7e12 + 1000 * i, sign: (bytes: Uint8Array) => nodeProvider.ed25519Sign(seed, bytes) }
    const appended = await append(head, entry, seal)
    head = appended.head
    text += new TextDecoder().decode(encodeEntry(appended.sealed))
  }
  return text
}
