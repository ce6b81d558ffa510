/** The site's privacy ledger on disk: an entry is on the platter before what it paid for leaves, and one agent alone writes. */

import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { fromHex, toHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError } from '../protocol/errors.ts'
import { check } from '../protocol/plan.ts'
import {
  type Budget,
  type Charge,
  checkWhole,
  type Ledger,
  type LedgerEntry,
  type LedgerHead,
  ledgerHeadSchema,
  lossOf,
  type PlannedRun,
  post,
  readLedger,
  signedEntry,
  withEntry,
} from '../protocol/privacy/ledger.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { replaceFile } from './replace-file.ts'

export interface LedgerFile {
  /** Enters a charge durably. @throws SiteRefusal ERR_BUDGET, ERR_CLOCK: then nothing was entered, and nothing may leave. */
  readonly charge: (charge: Charge) => Promise<void>
  /** Whether the cap would hold with a whole run too. @throws SiteRefusal ERR_BUDGET_PLAN */
  readonly affords: (run: PlannedRun) => void
  readonly ledger: () => Ledger
  close(): Promise<void>
}

export interface LedgerOptions {
  readonly folder: string
  readonly identity: Identity
  readonly dataset: string
  readonly budget: Budget | undefined
  readonly now: () => number
}

/** Opens the ledger of `folder`, or begins one. @throws InputError ERR_LEDGER, ERR_LEDGER_IN_USE */
export async function openLedger({ folder, identity, dataset, budget, now }: LedgerOptions): Promise<LedgerFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const unlock = lock(join(folder, 'ledger.lock'))
  try {
    const found = await readLedgerFile(folder, identity.publicKey)
    let { ledger } = found
    const entries = found.entries.filter((entry) => entry.dataset === dataset)
    const file = await open(join(folder, 'ledger.jsonl'), 'a', 0o600)
    // Half a line is what a crash left in the middle of an append: what it was to pay for has not left.
    await file.truncate(found.bytes)
    await keepHead(folder, ledger.head)
    let last: Promise<void> = Promise.resolve()
    const enter = async (charge: Charge): Promise<void> => {
      const entry = post(ledger, { dataset, charge, budget, at: now() })
      const signature = toHex(await identity.sign(signedEntry(entry)))
      await file.appendFile(`${JSON.stringify({ ...entry, signature })}\n`)
      await file.sync()
      ledger = withEntry(ledger, entry)
      entries.push({ ...entry, signature })
      await keepHead(folder, ledger.head)
    }
    return {
      // One after the other: two charges that each fit the cap may not fit it together.
      charge: (charge) => {
        const entered = last.then(() => enter(charge))
        last = entered.catch(() => {})
        return entered
      },
      affords: (run) => checkWhole(lossOf(ledger, dataset), run, { budget, entries }),
      ledger: () => ledger,
      close: async () => {
        await last
        await file.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

export interface FoundLedger {
  readonly ledger: Ledger
  readonly entries: readonly LedgerEntry[]
  /** Length of the whole lines in the file. */
  readonly bytes: number
}

/** Reads and checks the ledger of `folder`. @throws InputError ERR_LEDGER */
export async function readLedgerFile(folder: string, publicKey: Uint8Array): Promise<FoundLedger> {
  const written = await readFile(join(folder, 'ledger.jsonl')).catch(absent)
  const head = await readFile(join(folder, 'ledger.head'), 'utf8').catch(absent)
  const bytes = written === undefined ? 0 : written.lastIndexOf(0x0a) + 1
  const lines = written?.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1) ?? []
  const read = await readLedger(lines, head === undefined ? undefined : parseHead(head), (entry) =>
    nodeProvider.ed25519Verify(publicKey, signedEntry(entry), fromHex(entry.signature)),
  )
  return { ...read, bytes }
}

function parseHead(text: string): LedgerHead {
  try {
    return check(ledgerHeadSchema, JSON.parse(text), [], 'ERR_LEDGER')
  } catch {
    throw new InputError('ERR_LEDGER', 'expected the number of entries and the last hash', 'ledger.head')
  }
}

const keepHead = (folder: string, head: LedgerHead): Promise<void> =>
  replaceFile(join(folder, 'ledger.head'), new TextEncoder().encode(`${JSON.stringify(head)}\n`))

/** The operating system holds the lock and lets go of it when the process dies, however it dies. */
function lock(path: string): () => void {
  const database = new Database(path, { timeout: 0 })
  try {
    database.pragma('journal_mode = DELETE')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!(error instanceof Database.SqliteError)) throw error
    throw new InputError(
      'ERR_LEDGER_IN_USE',
      'another agent works with this folder: stop it, or give this one another',
      path,
    )
  }
  return () => database.close()
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
