/** The site's copy of a run's journal, shown as it grows: a person may keep it, and hold it against another site's. */

import { concat } from '../../protocol/bytes.ts'
import { encodeEntry } from '../../protocol/journal/codec.ts'
import type { RecordBook } from '../../protocol/participant/shell.ts'
import { show } from './showing.ts'
import type { Store } from './store.ts'

/** The journal alone: a replay with its sums is for an agent, which has a disk. */
export const browserBook = (store: Store): RecordBook => ({
  open: async (session) => {
    await showJournal(store, session)
    return store.journal(session)
  },
  append: async (session, entries) => {
    await store.addEntries(session, entries)
    await showJournal(store, session)
  },
})

async function showJournal(store: Store, session: string): Promise<void> {
  const entries = await store.journal(session)
  if (entries.length === 0) return show({ journal: undefined })
  const file = new Blob([new Uint8Array(concat(...entries.map(encodeEntry)))], { type: 'application/jsonl' })
  show({ journal: { entries: entries.length, file } })
}
