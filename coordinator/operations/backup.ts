/** `concordat backup` and `restore`: a coordinator's folder, copied whole while it works, and put back where none is. */

import { access, cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Command } from 'commander'
import { InputError } from '../../protocol/errors.ts'

const database = 'coordinator.db'
/** What a restored coordinator needs beside its database. Staged uploads are not among it: their round is tried again. */
const parts = ['coordinator.key', 'operator.token', 'roster.json', 'blobs'] as const

export interface BackupReport {
  readonly folder: string
  readonly parts: readonly string[]
}

/** Blobs are copied after the database: whatever it names was published before. @throws InputError ERR_BACKUP */
export async function backUp(folder: string, to: string): Promise<BackupReport> {
  if (!(await isThere(join(folder, 'coordinator.key'))))
    throw new InputError('ERR_BACKUP', 'expected the folder of a coordinator (--dir), with its coordinator.key', folder)
  await requireEmpty(to)
  await mkdir(to, { recursive: true, mode: 0o700 })
  const copied: string[] = []
  if (await isThere(join(folder, database))) {
    const source = new Sqlite(join(folder, database), { readonly: true })
    try {
      await source.backup(join(to, database))
    } finally {
      source.close()
    }
    copied.push(database)
  }
  return { folder: to, parts: [...copied, ...(await copyParts(folder, to))] }
}

/** @throws InputError ERR_BACKUP where something stands there already. */
export async function restore(backup: string, folder: string): Promise<BackupReport> {
  if (!(await isThere(join(backup, 'coordinator.key'))))
    throw new InputError('ERR_BACKUP', 'expected a folder that "concordat backup" has written', backup)
  await requireEmpty(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const copied = (await isThere(join(backup, database))) ? [database] : []
  for (const name of copied) await cp(join(backup, name), join(folder, name))
  return { folder, parts: [...copied, ...(await copyParts(backup, folder))] }
}

async function copyParts(from: string, to: string): Promise<string[]> {
  const copied: string[] = []
  for (const name of parts) {
    if (!(await isThere(join(from, name)))) continue
    await cp(join(from, name), join(to, name), { recursive: true, preserveTimestamps: true })
    copied.push(name)
  }
  return copied
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function requireEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => [])
  if (found.length > 0)
    throw new InputError('ERR_BACKUP', 'expected an empty or new folder, nothing is overwritten', folder)
}

export function backupCommand(): Command {
  return command('backup', 'Copy a coordinator, also while it works, into a new folder')
    .argument('<folder>', 'where the copy goes')
    .action(async (to: string, { dir, json }: Options) => tell(await backUp(dir, to), json))
}

export function restoreCommand(): Command {
  return command('restore', 'Put a backup back as the folder of a coordinator, which must be new')
    .argument('<backup>', 'a folder that "concordat backup" has written')
    .action(async (from: string, { dir, json }: Options) => tell(await restore(from, dir), json))
}

interface Options {
  readonly dir: string
  readonly json?: true
}

const command = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--dir <folder>', "the coordinator's folder", 'concordat-coordinator')
    .option('--json', 'one JSON object')

function tell(report: BackupReport, json: true | undefined): void {
  console.log(json ? JSON.stringify(report) : `${report.folder}: ${report.parts.join(', ')}`)
  if (!report.parts.includes(database) && !json)
    console.log('There is no SQLite database: back up the one of DATABASE_URL with its own tools (pg_dump).')
}
