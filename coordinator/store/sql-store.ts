/** The store over any database of the menu: one set of statements for all. */

import * as z from 'zod'
import { fromHex, toHex } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import { parseRoster, rosterText } from '../../protocol/roster.ts'
import type { Database, Row, Statement } from './database.ts'
import { expectCurrent, migrate } from './migrations.ts'
import type { RosterVersion, Store, StoredRun } from './store.ts'

export interface StoreParts {
  /** How the store is named in errors. */
  readonly where: string
  /** Only to look at it: nothing is written, not even a table. */
  readonly reading: boolean
}

/** @throws InputError ERR_STORE. */
export async function sqlStore(database: Database, { where, reading }: StoreParts): Promise<Store> {
  if (reading) await expectCurrent(database, where)
  else await migrate(database, where)
  const one = async (sql: string, ...values: (string | number)[]): Promise<readonly Row[]> =>
    (await database.batch([{ sql, values }]))[0]
  const rows = <T>(schema: z.ZodType<T>, found: readonly Row[]): readonly T[] => {
    try {
      return z.array(schema).parse(found)
    } catch (error) {
      if (!(error instanceof z.ZodError || error instanceof InputError)) throw error
      const message = `a row is not as this coordinator writes it; restore a backup: ${error.message}`
      throw new InputError('ERR_STORE', message, where)
    }
  }
  const hashes = (found: readonly Row[]): string[] =>
    rows(z.object({ hash: z.string() }), found).map(({ hash }) => hash)

  return {
    runs: async () => rows(runRow, await one('SELECT * FROM runs ORDER BY place')),
    addRun: async ({ id, plan, nonce, roster, submitted }) => {
      await one(
        `INSERT INTO runs (place, id, plan, nonce, roster, submitted, status, code, reason)
          VALUES ((SELECT COALESCE(MAX(place), 0) + 1 FROM runs), $1, $2, $3, $4, $5, 'open', '', '')`,
        ...[id, plan, toHex(nonce), roster, submitted],
      )
    },
    setStatus: async (id, status, { code, reason } = { code: '', reason: '' }) => {
      await one('UPDATE runs SET status = $2, code = $3, reason = $4 WHERE id = $1', id, status, code, reason)
    },
    journal: async (run) =>
      rows(
        z.object({ line: z.string() }),
        await one('SELECT line FROM entries WHERE run = $1 ORDER BY place', run),
      ).map(({ line }) => line),
    append: async (run, place, line) => {
      await one('INSERT INTO entries (run, place, line) VALUES ($1, $2, $3)', run, place, line)
    },
    clearJournal: async (run) => {
      await one('DELETE FROM entries WHERE run = $1', run)
    },
    rosters: async () => rows(rosterRow, await one('SELECT version, sites FROM rosters ORDER BY version')),
    addRoster: async (sites, at) => {
      const added = await one(
        `INSERT INTO rosters (version, sites, at)
          VALUES ((SELECT COALESCE(MAX(version), 0) + 1 FROM rosters), $1, $2) RETURNING version, sites`,
        ...[rosterText(sites), at],
      )
      return rows(rosterRow, added)[0]
    },
    registry: async () =>
      rows(z.object({ line: z.string() }), await one('SELECT line FROM registry ORDER BY place')).map(
        ({ line }) => line,
      ),
    appendRegistry: async (place, line) => {
      await one('INSERT INTO registry (place, line) VALUES ($1, $2)', place, line)
    },
    needed: async (run) => hashes(await one('SELECT hash FROM checkpoints WHERE run = $1 ORDER BY kept', run)),
    keep: async (run, hash, most) => {
      const [, ...found] = await database.batch([asking(run, hash), ...outdated(run, most)])
      return hashes(found[0])
    },
    trim: async (run, most) => hashes((await database.batch(outdated(run, most)))[0]),
    close: () => database.close(),
  }
}

const runRow: z.ZodType<StoredRun> = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  plan: z.string(),
  nonce: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .transform(fromHex),
  // PostgreSQL gives its 64-bit integers as text.
  roster: z.coerce.number(),
  submitted: z.coerce.number(),
  status: z.enum(['open', 'paused', 'finished', 'failed', 'stopped']),
  code: z.string(),
  reason: z.string(),
})

const rosterRow: z.ZodType<RosterVersion> = z.object({
  version: z.coerce.number(),
  sites: z.string().transform(parseRoster),
})

const asking = (run: string, hash: string): Statement => ({
  sql: `INSERT INTO checkpoints (run, hash, kept)
    VALUES ($1, $2, (SELECT COALESCE(MAX(kept), 0) + 1 FROM checkpoints WHERE run = $1))
    ON CONFLICT (run, hash) DO UPDATE SET kept = excluded.kept`,
  values: [run, hash],
})

/** Everything of the run but what it asked for last; of it, what no other run needs either. */
function outdated(run: string, most: number): readonly Statement[] {
  const old = `run = $1 AND kept <= (SELECT COALESCE(MAX(kept), 0) FROM checkpoints WHERE run = $1) - ${most}`
  return [
    {
      sql: `SELECT hash FROM checkpoints WHERE ${old}
        AND NOT EXISTS (SELECT 1 FROM checkpoints others WHERE others.hash = checkpoints.hash AND others.run <> $1)`,
      values: [run],
    },
    { sql: `DELETE FROM checkpoints WHERE ${old}`, values: [run] },
  ]
}
