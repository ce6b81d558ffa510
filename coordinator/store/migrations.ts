/** The tables of a store and how they came to be: each step is applied once, in order, and never changed afterwards. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import type { Database, Statement } from './database.ts'

/** Step i brings a store from version i to i + 1. Every database of the menu takes this SQL as it stands. */
const steps: readonly (readonly string[])[] = [
  [
    'CREATE TABLE rosters (version BIGINT PRIMARY KEY, sites TEXT NOT NULL, at BIGINT NOT NULL)',
    `CREATE TABLE runs (
      place BIGINT PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      plan TEXT NOT NULL,
      nonce TEXT NOT NULL,
      roster BIGINT NOT NULL REFERENCES rosters (version),
      submitted BIGINT NOT NULL,
      status TEXT NOT NULL,
      code TEXT NOT NULL,
      reason TEXT NOT NULL
    )`,
    `CREATE TABLE entries (
      run TEXT NOT NULL REFERENCES runs (id),
      place BIGINT NOT NULL,
      line TEXT NOT NULL,
      PRIMARY KEY (run, place)
    )`,
    `CREATE TABLE checkpoints (
      run TEXT NOT NULL REFERENCES runs (id),
      hash TEXT NOT NULL,
      kept BIGINT NOT NULL,
      PRIMARY KEY (run, hash)
    )`,
    'CREATE INDEX checkpoints_by_hash ON checkpoints (hash)',
  ],
  ['CREATE TABLE registry (place BIGINT PRIMARY KEY, line TEXT NOT NULL)'],
]

export const storeVersion = steps.length

/** @throws InputError ERR_STORE where a newer version has written the store. */
export async function migrate(database: Database, where: string): Promise<void> {
  await database.batch([{ sql: 'CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY)' }])
  const version = await versionOf(database)
  if (version > storeVersion) throw newer(version, where)
  for (let at = version; at < storeVersion; at++) await database.batch([...steps[at].map(statement), applied(at + 1)])
}

/** For whoever only reads. @throws InputError ERR_STORE where the store is of another version. */
export async function expectCurrent(database: Database, where: string): Promise<void> {
  const version = await versionOf(database)
  if (version > storeVersion) throw newer(version, where)
  if (version < storeVersion)
    throw new InputError(
      'ERR_STORE',
      `the store is of version ${version}, this is for ${storeVersion}; start the coordinator once, it brings the store up to date`,
      where,
    )
}

async function versionOf(database: Database): Promise<number> {
  const [rows] = await database.batch([{ sql: 'SELECT COALESCE(MAX(version), 0) AS version FROM migrations' }])
  return z.object({ version: z.coerce.number() }).parse(rows[0]).version
}

const newer = (version: number, where: string): InputError =>
  new InputError(
    'ERR_STORE',
    `the store is of version ${version}, this coordinator knows ${storeVersion}; update it, or restore an older backup`,
    where,
  )

const statement = (sql: string): Statement => ({ sql })

const applied = (version: number): Statement => ({
  sql: 'INSERT INTO migrations (version) VALUES ($1)',
  values: [version],
})
