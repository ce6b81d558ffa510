/** The journal of a run in the store: one sealed entry a line, durable before anything follows from it. */

import { utf8 } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { append } from '../protocol/journal/chain.ts'
import { decodeLog, encodeEntry } from '../protocol/journal/codec.ts'
import type { SealedEntry } from '../protocol/journal/entries.ts'
import { verifyJournal } from '../protocol/journal/verify.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { Clock } from './clock.ts'
import type { Journal } from './run-state.ts'
import type { Store } from './store/store.ts'

export interface OpenJournal {
  readonly journal: Journal
  /** What stood in the store when it was opened. */
  readonly entries: readonly SealedEntry[]
}

export interface JournalParts {
  readonly store: Store
  readonly identity: Identity
  readonly clock: Clock
}

/** Opens the journal of `run`, or starts one. @throws ProtocolError ERR_JOURNAL where what stands there does not hold. */
export async function openJournal(run: string, { store, identity, clock }: JournalParts): Promise<OpenJournal> {
  const { entries: found } = decodeLog(utf8(await journalText(store, run)))
  // Until the roster stands in it nothing has followed from a journal: what a crash left before that is begun anew.
  const entries = found.some(({ entry }) => entry.type === 'roster') ? found : []
  const verdict = await verifyJournal(entries, {
    coordinator: identity.publicKey,
    verify: nodeProvider.ed25519Verify,
  })
  if (!verdict.ok)
    throw new ProtocolError('ERR_JOURNAL', `the journal of run ${run}: entry ${verdict.index}: ${verdict.reason}`)
  if (entries.length < found.length) await store.clearJournal(run)
  let { head } = verdict.follower
  return {
    entries,
    journal: async (entry) => {
      const appended = await append(head, entry, { at: clock.now(), sign: identity.sign })
      await store.append(run, appended.sealed.index, lineOf(appended.sealed))
      head = appended.head
      return appended
    },
  }
}

/** A run's journal as anybody reads it: one canonical JSON line an entry. */
export async function journalText(store: Store, run: string): Promise<string> {
  return (await store.journal(run)).map((line) => `${line}\n`).join('')
}

const lineOf = (sealed: SealedEntry): string => new TextDecoder().decode(encodeEntry(sealed)).trimEnd()
