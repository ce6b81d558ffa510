/** The source of PostgreSQL: the rows of one query, through a cursor inside a transaction that may only read. */

import pg from 'pg'
import * as z from 'zod'
import { cellOf } from '../../learning/data/cell.ts'
import { sourceOf } from '../../learning/data/feed.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import { sourceKind } from './kind.ts'
import { blockOfRows, rowsPerFetch } from './query.ts'

const options = z.strictObject({
  query: z.string().min(1).max(100_000),
  /** The environment variable that holds the address, as postgres://user:password@host/database. */
  urlVariable: z.string().min(1).optional(),
  /** The address itself. Without either, the usual variables (PGHOST, PGUSER, PGPASSWORD, ...) and ~/.pgpass say where. */
  url: z.string().min(1).optional(),
})

type PostgresOptions = z.infer<typeof options>

const name = 'PostgreSQL'

export function postgresQuery({ query, urlVariable, url }: PostgresOptions): DataSource {
  return sourceOf(name, async function* (_, begin) {
    const client = await connected(urlVariable === undefined ? url : addressIn(urlVariable))
    try {
      await client.query('begin transaction isolation level repeatable read read only')
      // The extended protocol takes one statement only: a query cannot end the transaction and begin another.
      const declare = { text: `declare concordat no scroll cursor for ${query}`, queryMode: 'extended' }
      await client.query(declare)
      const fetch = { text: `fetch ${rowsPerFetch} from concordat`, rowMode: 'array' as const, types: textual }
      let rows = await client.query<unknown[]>(fetch)
      const builder = begin({ source: name, names: rows.fields.map((field) => field.name) })
      for (let read = 0; rows.rows.length > 0; rows = await client.query<unknown[]>(fetch)) {
        await builder.addBlock(blockOfRows(name, rows.rows, read + 1))
        read += rows.rows.length
        yield { bytes: read }
      }
    } catch (error) {
      throw queryError(error)
    } finally {
      await client.end()
    }
    return undefined
  })
}

export const postgres = sourceKind({ options, paths: [], endings: [], open: postgresQuery })

function addressIn(variable: string): string {
  const address = process.env[variable]
  if (address) return address
  throw new InputError('ERR_DATA_CONNECTION', `the environment has no variable ${variable} with the address`, name)
}

/** Neither the address nor the password stands in an error. @throws InputError ERR_DATA_CONNECTION */
async function connected(address: string | undefined): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      ...(address === undefined ? {} : { connectionString: address }),
      application_name: 'concordat',
      connectionTimeoutMillis: 15_000,
    })
    // A connection that is lost between two queries is told by the next query; without a listener it would end the process.
    client.on('error', () => undefined)
    await client.connect()
    return client
  } catch (error) {
    throw new InputError('ERR_DATA_CONNECTION', `the database cannot be reached (${codeOf(error)})`, name)
  }
}

/** The database's own words stay at the site, like all errors of data. @returns the error to show. */
function queryError(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) return new InputError('ERR_SQL', `${error.code}: ${error.message}`, name)
  if (error instanceof InputError || !(error instanceof Error)) return error
  if ('code' in error || /terminated|ended/i.test(error.message)) {
    return new InputError('ERR_DATA_CONNECTION', `the database was lost (${codeOf(error)})`, name)
  }
  return error
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'the link was closed'

/** Object identifiers of PostgreSQL's types: pg_type.dat. */
const numberTypes = new Set([20, 21, 23, 700, 701, 1700])
const boolean = 16

/** Values come as the database writes them; numbers and truth values become what they are in the other sources. */
const textual: pg.CustomTypesConfig = {
  getTypeParser: (type: number) => (text: string | Buffer) => {
    const written = String(text)
    if (type === boolean) return written === 't'
    if (!numberTypes.has(type)) return written
    const value = Number(written)
    return type === 20 ? cellOf(BigInt(written)) : value
  },
}
