/** What a disk or a database can refuse, and what a person does about it: every fault of a store becomes ERR_STORE. */

import { InputError } from '../../protocol/errors.ts'

const advice: Readonly<Record<string, string>> = {
  // Errors of the operating system.
  ENOSPC: 'the disk is full; make room and start the coordinator again',
  EDQUOT: 'the disk quota is used up; make room and start the coordinator again',
  EFBIG: 'a file has reached the largest size this process may write; raise the limit and start the coordinator again',
  EROFS: 'the disk is read-only; mount it for writing and start the coordinator again',
  EACCES: 'the folder may not be written by this user; correct its owner and start the coordinator again',
  EPERM: 'the folder may not be written by this user; correct its owner and start the coordinator again',
  ENOTDIR: 'a file stands where a folder is expected; move it away and start the coordinator again',
  EEXIST: 'a file stands where a folder is expected; move it away and start the coordinator again',
  EISDIR: 'a folder stands where a file is expected; move it away and start the coordinator again',
  ENOENT: 'the folder is gone or cannot be made there; correct --dir, or restore a backup',
  EIO: 'the disk does not read or write what it should; replace it and restore a backup',
  ECONNREFUSED: 'no database answers there; start it, or correct DATABASE_URL',
  ENOTFOUND: 'there is no such host; correct DATABASE_URL',
  // SQLite (https://sqlite.org/rescode.html).
  SQLITE_FULL: 'the disk is full; make room and start the coordinator again',
  SQLITE_READONLY: 'the database is read-only; correct its owner or its mount and start the coordinator again',
  SQLITE_CANTOPEN: 'the database cannot be opened; correct the folder and its owner',
  SQLITE_CORRUPT: 'the database is damaged; restore a backup',
  SQLITE_NOTADB: 'the file is no database of this coordinator; restore a backup',
  SQLITE_IOERR:
    'the disk does not read or write what it should; make room or replace it, then start the coordinator again',
  SQLITE_BUSY: 'another coordinator works on this folder; stop it first',
  SQLITE_CONSTRAINT: 'what was to be added is there already; does another coordinator write here?',
  // PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html).
  '53100': "the database's disk is full; make room and start the coordinator again",
  '25006': 'the database is read-only; point DATABASE_URL at the primary',
  '28P01': 'the database does not take this user and password; correct DATABASE_URL',
  '28000': 'the database does not let this user in; correct DATABASE_URL',
  '3D000': 'there is no such database; create it, or correct DATABASE_URL',
  '42501': 'this user may not create or write tables there; grant it, or correct DATABASE_URL',
  '23505': 'what was to be added is there already; does another coordinator write here?',
}

/** @returns the error for a person where a store is at fault, or what came where it is none of a store's. */
export function storeFault(error: unknown, where: string): unknown {
  if (error instanceof InputError || !(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = Object.keys(advice).find((start) => code.startsWith(start))
  return new InputError(
    'ERR_STORE',
    `${known === undefined ? 'the store failed' : advice[known]} (${code}: ${error.message})`,
    where,
  )
}

/** Work on a store, with its faults in our words. */
export async function onStore<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeFault(error, where)
  }
}

/** Whether a coordinator can go on after `error`: where its store fails it stops as a whole, with nothing half done. */
export const isStoreFault = (error: unknown): boolean => error instanceof InputError && error.code === 'ERR_STORE'
