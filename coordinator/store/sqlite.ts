/** SQLite in one file of the coordinator's folder: a write-ahead log, synced at every commit. */

import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Database, Statement } from './database.ts'
import { onStore } from './faults.ts'

/** @throws InputError ERR_STORE where another coordinator works on `folder`, or the file is none of ours. */
export async function openSqlite(folder: string, { reading = false } = {}): Promise<Database> {
  const path = join(folder, 'coordinator.db')
  return onStore(path, async () => {
    const lock = reading ? undefined : takeLock(join(folder, 'coordinator.lock'))
    const database = new Sqlite(path, { readonly: reading })
    if (!reading) {
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = FULL')
      database.pragma('foreign_keys = ON')
    }
    return {
      batch: (statements) =>
        onStore(path, async () => {
          const all = database.transaction(() => statements.map((each) => run(database, each)))
          return reading ? all.deferred() : all.immediate()
        }),
      close: async () => {
        database.close()
        lock?.close()
      },
    }
  })
}

/** A second database whose lock we hold: it goes with the process, however that ends, and readers of the first stay free. */
function takeLock(path: string): Sqlite.Database {
  const lock = new Sqlite(path, { timeout: 0 })
  lock.exec('BEGIN EXCLUSIVE')
  return lock
}

function run(database: Sqlite.Database, { sql, values = [] }: Statement) {
  const prepared = database.prepare<unknown[], Record<string, unknown>>(sql)
  // To SQLite $1 is a parameter of the name 1.
  const named = values.length === 0 ? [] : [Object.fromEntries(values.map((value, i) => [String(i + 1), value]))]
  if (prepared.reader) return prepared.all(...named)
  prepared.run(...named)
  return []
}
