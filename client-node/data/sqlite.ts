/** The source of SQLite: the rows of one query on a database file, which is opened for reading only. */

import { basename } from 'node:path'
import Database from 'better-sqlite3'
import * as z from 'zod'
import { sourceOf } from '../../learning/data/feed.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import { openFile } from './files.ts'
import { sourceKind } from './kind.ts'
import { blockOfRows, rowsPerFetch } from './query.ts'

const options = z.strictObject({
  path: z.string().min(1),
  query: z.string().min(1).max(100_000),
})

export function sqliteQuery({ path, query }: z.infer<typeof options>): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* (_, begin) {
    await (await openFile(path)).close()
    const database = attempt(path, () => new Database(path, { readonly: true, fileMustExist: true }))
    try {
      const statement = prepared(database, query, path)
      const builder = begin({ source: name, names: statement.columns().map((column) => column.name) })
      const rows = attempt(path, () => statement.iterate())
      for (let read = 0; ; ) {
        const batch = attempt(path, () => take(rows, rowsPerFetch))
        if (batch.length === 0) break
        await builder.addBlock(blockOfRows(name, batch, read + 1))
        read += batch.length
        yield { bytes: read }
      }
    } finally {
      database.close()
    }
    return undefined
  })
}

export const sqlite = sourceKind({
  options,
  paths: ['path'],
  endings: [],
  open: sqliteQuery,
})

function prepared(database: Database.Database, query: string, path: string) {
  try {
    const statement = database.prepare<[], readonly unknown[]>(query)
    if (!statement.reader) throw new InputError('ERR_SQL', 'expected a query that gives rows', path)
    return statement.raw().safeIntegers()
  } catch (error) {
    // Besides what SQLite says: more than one statement, or none.
    if (error instanceof InputError || !(error instanceof Error)) throw error
    throw new InputError('ERR_SQL', error.message, path)
  }
}

function take<T>(from: IterableIterator<T>, count: number): T[] {
  const taken: T[] = []
  while (taken.length < count) {
    const next = from.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

/** @throws InputError ERR_SQL with what SQLite says */
function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Database.SqliteError) throw new InputError('ERR_SQL', `${error.code}: ${error.message}`, path)
    throw error
  }
}
