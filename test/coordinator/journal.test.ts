import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import { openJournal } from '../../coordinator/journal.ts'
import { openStore } from '../../coordinator/store/index.ts'
import type { Store } from '../../coordinator/store/store.ts'
import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import { testRandom } from '../support/secure-round.ts'

const seed = testRandom('coordinator').bytes(32)
const identity = {
  publicKey: await provider.ed25519PublicKey(seed),
  sign: (message: Uint8Array) => provider.ed25519Sign(seed, message),
}
const clock = { now: () => 1000, wait: async () => {} }
const hash = 'ab'.repeat(32)
const plan: JournalEntry = {
  ...{ type: 'plan', name: 'p', planHash: hash, session: hash },
  coordinator: toHex(identity.publicKey),
}
const roster: JournalEntry = { type: 'roster', sites: [] }
const testRoster = ['a', 'b', 'c'].map((name, i) => ({ name, identity: new Uint8Array(32).fill(i) }))
const start: JournalEntry = { type: 'round-start', attempt: 1, purpose: 'test', startHash: hash }

const run = 'ab'.repeat(8)
let folder = ''
let store: Store

afterEach(() => store.close())

/** A store whose one run has a journal of these entries. */
async function written(...entries: JournalEntry[]): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  store = await openStore(folder, undefined)
  await store.addRoster(testRoster, 1)
  await store.addRun({ id: run, plan: '', nonce: new Uint8Array(32), roster: 1, submitted: 1 })
  const { journal } = await openJournal(run, { store, identity, clock })
  for (const entry of entries) await journal(entry)
}

async function reopened(): Promise<readonly JournalEntry[]> {
  await store.close()
  store = await openStore(folder, undefined)
  return (await openJournal(run, { store, identity, clock })).entries.map(({ entry }) => entry)
}

test('a journal that is opened again has its entries and goes on in the same chain', async () => {
  await written(plan, roster)
  const { journal, entries } = await openJournal(run, { store, identity, clock })
  expect(entries.map(({ entry }) => entry)).toEqual([plan, roster])
  await journal(start)
  expect(await reopened()).toEqual([plan, roster, start])
})

test('a journal that a crash left before its roster is begun anew', async () => {
  await written(plan)
  expect(await reopened()).toEqual([])
  expect(await store.journal(run)).toEqual([])
})

test('an edited journal is refused with the entry that does not hold, and left as it is', async () => {
  await written(plan, roster, start)
  await store.close()
  const file = new Sqlite(join(folder, 'coordinator.db'))
  file.exec(`UPDATE entries SET line = replace(line, '"purpose":"test"', '"purpose":"tost"')`)
  file.close()
  store = await openStore(folder, undefined)
  const edited = await store.journal(run)
  await expect(openJournal(run, { store, identity, clock })).rejects.toMatchObject({
    code: 'ERR_JOURNAL',
    message: expect.stringContaining('entry 2'),
  })
  expect(await store.journal(run)).toEqual(edited)
  expect(edited[2]).toContain('tost')
})
