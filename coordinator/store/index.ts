/** The menu of databases that can hold the store, by the scheme of their address. */

import { InputError } from '../../protocol/errors.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'
import { type StoreParts, sqlStore } from './sql-store.ts'
import { openSqlite } from './sqlite.ts'
import type { Store } from './store.ts'

const databases: Readonly<Record<string, (url: string, access: Access) => Promise<Database>>> = {
  'postgres:': openPostgres,
  'postgresql:': openPostgres,
}

export interface Access {
  /** Only to look at it, also while a coordinator works on it. */
  readonly reading?: boolean
}

/** SQLite in `folder`, unless `databaseUrl` names another database. @throws InputError ERR_STORE, ERR_CONFIG. */
export async function openStore(
  folder: string,
  databaseUrl: string | undefined,
  { reading = false }: Access = {},
): Promise<Store> {
  if (databaseUrl === undefined || databaseUrl === '')
    return opened(await openSqlite(folder, { reading }), { where: folder, reading })
  const scheme = /^[a-z]+:/.exec(databaseUrl)?.[0] ?? ''
  if (!Object.hasOwn(databases, scheme)) {
    throw new InputError('ERR_CONFIG', `expected DATABASE_URL to begin with ${Object.keys(databases).join(' or ')}//`)
  }
  return opened(await databases[scheme](databaseUrl, { reading }), { where: 'the database of DATABASE_URL', reading })
}

/** A store that cannot be used is let go, so that the next one finds it free. */
async function opened(database: Database, parts: StoreParts): Promise<Store> {
  try {
    return await sqlStore(database, parts)
  } catch (error) {
    await database.close()
    throw error
  }
}
