/** A database as a port: statements in order, all of them or none, durable when they settle. */

export type Value = string | number

export type Row = Readonly<Record<string, unknown>>

export interface Statement {
  /** Standard SQL that every database of the menu takes; values stand as $1, $2, … */
  readonly sql: string
  readonly values?: readonly Value[]
}

export interface Database {
  /** The rows of each statement. @throws InputError ERR_STORE: then nothing of the batch was kept. */
  batch(statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
  close(): Promise<void>
}
