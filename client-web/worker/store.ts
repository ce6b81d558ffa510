/** What the page keeps in this browser, in IndexedDB: nothing of it is sent anywhere. A write is on disk when it settles. */

import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from 'idb'
import type { Mapping } from '../../learning/data/mapping.ts'
import type { SignedRoster } from '../../protocol/enrolment/signed-roster.ts'
import type { SealedEntry } from '../../protocol/journal/entries.ts'
import type { DeskItem } from '../../protocol/participant/approval.ts'
import type { Policy } from '../../protocol/participant/policy.ts'
import type { Receipt } from '../../protocol/participant/receipt.ts'
import type { Budget, LedgerEntry, LedgerHead } from '../../protocol/privacy/ledger.ts'
import type { Picked } from './page-state.ts'

/** The site as it was enrolled; one browser profile is one site. */
export interface StoredSite {
  readonly name: string
  /** The coordinator's address and pinned key. */
  readonly url: string
  readonly coordinator: Uint8Array
  /** Seed of the invitation, until the operator has decided. */
  readonly invite: { readonly seed: Uint8Array; readonly expires: number } | undefined
  readonly roster: SignedRoster | undefined
}

/** Where the platform has Ed25519 the private key cannot be read, not even by this page. */
export type StoredKey =
  | { readonly kind: 'platform'; readonly publicKey: Uint8Array; readonly privateKey: CryptoKey }
  | { readonly kind: 'seed'; readonly publicKey: Uint8Array; readonly seed: Uint8Array }

export interface StoredFile {
  readonly picked: Picked
  readonly mapping: Mapping
}

interface Schema extends DBSchema {
  site: { key: 'site'; value: StoredSite }
  key: { key: 'key'; value: StoredKey }
  file: { key: 'file'; value: StoredFile }
  answers: { key: string; value: Uint8Array }
  receipts: { key: number; value: Receipt }
  policy: { key: 'policy'; value: Policy }
  budget: { key: 'budget'; value: Budget }
  /** Since when, in milliseconds since 1970: a page that is opened anew stays paused. */
  paused: { key: 'paused'; value: number }
  plans: { key: string; value: DeskItem }
  ledger: { key: number; value: LedgerEntry }
  head: { key: 'head'; value: LedgerHead }
  /** By session and place. */
  journal: { key: [string, number]; value: SealedEntry }
  /** Why this site has left a run, by the run's session. */
  withdrawals: { key: string; value: string }
}

export type Kept = 'site' | 'key' | 'file' | 'policy' | 'budget' | 'paused' | 'head'

export interface Store {
  get<Name extends Kept>(name: Name): Promise<Schema[Name]['value'] | undefined>
  put<Name extends Kept>(name: Name, value: Schema[Name]['value']): Promise<void>
  remove(name: Kept): Promise<void>
  answer(session: string): Promise<Uint8Array | undefined>
  putAnswer(session: string, record: Uint8Array): Promise<void>
  receipts(): Promise<readonly Receipt[]>
  addReceipt(receipt: Receipt): Promise<void>
  plans(): Promise<readonly DeskItem[]>
  putPlan(hash: string, item: DeskItem): Promise<void>
  ledger(): Promise<readonly LedgerEntry[]>
  addCharge(entry: LedgerEntry, head: LedgerHead): Promise<void>
  journal(session: string): Promise<readonly SealedEntry[]>
  addEntries(session: string, entries: readonly SealedEntry[]): Promise<void>
  withdrawal(session: string): Promise<string | undefined>
  withdraw(session: string, reason: string): Promise<void>
  /** Everything of this site, its key too. */
  clear(): Promise<void>
}

export async function openStore(): Promise<Store> {
  const database = await openDB<Schema>('concordat', 3, {
    upgrade: (database, before, _after, transaction) => {
      if (before < 1) {
        for (const name of ['site', 'key', 'file', 'policy', 'head', 'answers', 'plans'] as const)
          database.createObjectStore(name)
        for (const name of ['receipts', 'ledger'] as const) database.createObjectStore(name, { autoIncrement: true })
      }
      if (before < 2) database.createObjectStore('journal')
      for (const name of ['budget', 'paused', 'withdrawals'] as const) database.createObjectStore(name)
      // A file was kept without its mapping before: it is chosen once more.
      if (before > 0) void transaction.objectStore('file').clear()
    },
  })
  return {
    get: (name) => database.get(name, name),
    put: (name, value) => durable(database, name, (store) => store.put(value, name)),
    remove: (name) => durable(database, name, (store) => store.delete(name)),
    answer: (session) => database.get('answers', session),
    putAnswer: (session, record) => durable(database, 'answers', (store) => store.put(record, session)),
    receipts: () => database.getAll('receipts'),
    addReceipt: (receipt) => durable(database, 'receipts', (store) => store.add(receipt)),
    plans: () => database.getAll('plans'),
    putPlan: (hash, item) => durable(database, 'plans', (store) => store.put(item, hash)),
    ledger: () => database.getAll('ledger'),
    // In one transaction: the head never knows less than the entries say.
    addCharge: async (entry, head) => {
      const transaction = database.transaction(['ledger', 'head'], 'readwrite', { durability: 'strict' })
      await Promise.all([
        transaction.objectStore('ledger').add(entry),
        transaction.objectStore('head').put(head, 'head'),
        transaction.done,
      ])
    },
    journal: (session) => database.getAll('journal', IDBKeyRange.bound([session, 0], [session, Infinity])),
    addEntries: async (session, entries) => {
      const transaction = database.transaction('journal', 'readwrite', { durability: 'strict' })
      const store = transaction.objectStore('journal')
      await Promise.all([...entries.map((entry) => store.put(entry, [session, entry.index])), transaction.done])
    },
    withdrawal: (session) => database.get('withdrawals', session),
    withdraw: (session, reason) => durable(database, 'withdrawals', (store) => store.put(reason, session)),
    clear: async () => {
      for (const name of database.objectStoreNames) await durable(database, name, (store) => store.clear())
    },
  }
}

type Names = Kept | 'answers' | 'receipts' | 'plans' | 'ledger' | 'journal' | 'withdrawals'

/** The browser is asked to wait for the disk: what was answered must not be answered again after a power cut. */
async function durable<Name extends Names>(
  database: IDBPDatabase<Schema>,
  name: Name,
  act: (store: IDBPObjectStore<Schema, [Name], Name, 'readwrite'>) => Promise<unknown>,
): Promise<void> {
  const transaction = database.transaction(name, 'readwrite', { durability: 'strict' })
  await Promise.all([act(transaction.objectStore(name)), transaction.done])
}
