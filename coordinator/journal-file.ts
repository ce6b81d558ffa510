/** The journal of a run on disk: one sealed entry a line, on the platter before anything follows from it. */

import { open, readFile } from 'node:fs/promises'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { append } from '../protocol/journal/chain.ts'
import { decodeLog, encodeEntry } from '../protocol/journal/codec.ts'
import type { SealedEntry } from '../protocol/journal/entries.ts'
import { verifyJournal } from '../protocol/journal/verify.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { Clock } from './clock.ts'
import type { Journal } from './run-state.ts'

export interface JournalFile {
  readonly journal: Journal
  /** What stood in the file when it was opened. */
  readonly entries: readonly SealedEntry[]
  close(): Promise<void>
}

/** Opens the journal at `path`, or starts one. @throws ProtocolError ERR_JOURNAL where what stands there does not hold. */
export async function openJournal(path: string, identity: Identity, clock: Clock): Promise<JournalFile> {
  const bytes = await readFile(path).catch(() => new Uint8Array(0))
  const { entries: found, torn } = decodeLog(bytes)
  // Until the roster stands in it nothing has followed from a journal: what a crash left before that is begun anew.
  const entries = found.some(({ entry }) => entry.type === 'roster') ? found : []
  const verdict = await verifyJournal(entries, {
    coordinator: identity.publicKey,
    verify: nodeProvider.ed25519Verify,
  })
  if (!verdict.ok) throw new ProtocolError('ERR_JOURNAL', `${path}: entry ${verdict.index}: ${verdict.reason}`)
  const file = await open(path, 'a', 0o600)
  // Half a line is what a crash left in the middle of an append: nothing followed from it either.
  await file.truncate(entries.length === 0 ? 0 : bytes.length - torn)
  let { head } = verdict.follower
  return {
    entries,
    journal: async (entry) => {
      const appended = await append(head, entry, { at: clock.now(), sign: identity.sign })
      await file.write(encodeEntry(appended.sealed))
      await file.datasync()
      head = appended.head
      return appended
    },
    close: () => file.close(),
  }
}
