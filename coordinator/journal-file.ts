/** The journal of a run on disk: one sealed entry a line, on the platter before anything follows from it. */

import { open } from 'node:fs/promises'
import { append, emptyHead } from '../protocol/journal/chain.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { Clock } from './clock.ts'
import type { Journal } from './run-state.ts'

export interface JournalFile {
  readonly journal: Journal
  close(): Promise<void>
}

/** Starts a new journal at `path`; an existing file is an error, journals are never overwritten. */
export async function startJournal(path: string, identity: Identity, clock: Clock): Promise<JournalFile> {
  const file = await open(path, 'wx', 0o600)
  let head = emptyHead
  return {
    journal: async (entry) => {
      const appended = await append(head, entry, { at: clock.now(), sign: identity.sign })
      await file.write(`${JSON.stringify(appended.sealed)}\n`)
      await file.datasync()
      head = appended.head
      return head.hash
    },
    close: () => file.close(),
  }
}
