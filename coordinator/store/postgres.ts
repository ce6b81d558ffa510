/** PostgreSQL, where DATABASE_URL names one: for an operator who already keeps and backs up databases. */

import pg from 'pg'
import { InputError } from '../../protocol/errors.ts'
import type { Database, Row, Statement } from './database.ts'
import { onStore } from './faults.ts'

/** The advisory lock by which a second coordinator on the same database is turned away; any fixed number will do. */
const lockNumber = 7_443_001

/** @throws InputError ERR_STORE. */
export async function openPostgres(url: string, { reading = false } = {}): Promise<Database> {
  const where = withoutPassword(url)
  const client = new pg.Client({ connectionString: url, application_name: 'concordat coordinator' })
  // A lost connection shows in the next batch; without a listener it would end the process without a word.
  client.on('error', () => {})
  await onStore(where, async () => {
    await client.connect()
    if (reading) {
      await client.query('SET default_transaction_read_only = on')
      return
    }
    await client.query('SET synchronous_commit = on')
    const { rows } = await client.query<Row>('SELECT pg_try_advisory_lock($1) AS taken', [lockNumber])
    if (rows[0]?.taken !== true) {
      await client.end()
      throw new InputError('ERR_STORE', 'another coordinator works on this database; stop it first', where)
    }
  })
  let last: Promise<unknown> = Promise.resolve()
  return {
    batch: (statements) => {
      const mine = last.then(() => onStore(where, () => transaction(client, statements)))
      last = mine.catch(() => {})
      return mine
    },
    close: async () => {
      await last
      await client.end()
    },
  }
}

async function transaction(client: pg.Client, statements: readonly Statement[]): Promise<(readonly Row[])[]> {
  await client.query('BEGIN')
  try {
    const results: (readonly Row[])[] = []
    for (const { sql, values = [] } of statements) results.push((await client.query<Row>(sql, [...values])).rows)
    await client.query('COMMIT')
    return results
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  parsed.password = ''
  return parsed.href
}
