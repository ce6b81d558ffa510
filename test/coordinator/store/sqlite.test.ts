import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openStore } from '../../../coordinator/store/index.ts'
import { storeVersion } from '../../../coordinator/store/migrations.ts'
import { storeContract } from '../../contracts/store.ts'

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'concordat-'))

storeContract('SQLite', async () => {
  const folder = await newFolder()
  return {
    open: () => openStore(folder, undefined),
    read: () => openStore(folder, undefined, { reading: true }),
    remove: () => rm(folder, { recursive: true }),
  }
})

test('a commit waits for the disk: write-ahead log, synced at every commit', async () => {
  const folder = await newFolder()
  const store = await openStore(folder, undefined)
  const reader = new Sqlite(join(folder, 'coordinator.db'), { readonly: true })
  // Whoever backs up the file reads it while the coordinator works on it.
  expect(reader.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(reader.prepare('SELECT MAX(version) AS version FROM migrations').get()).toEqual({ version: storeVersion })
  reader.close()
  await store.close()
})

test('a store of a newer version is left alone', async () => {
  const folder = await newFolder()
  await (await openStore(folder, undefined)).close()
  const file = new Sqlite(join(folder, 'coordinator.db'))
  file.exec('INSERT INTO migrations (version) VALUES (99)')
  file.close()
  const refused = { code: 'ERR_STORE', message: expect.stringContaining('version 99') }
  await expect(openStore(folder, undefined)).rejects.toMatchObject(refused)
  // And it was let go: the next one meets the same store, not a lock.
  await expect(openStore(folder, undefined)).rejects.toMatchObject(refused)
})

test('a file that is no database is named, with what to do', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'coordinator.db'), 'no database at all, but long enough to be looked at '.repeat(50))
  await expect(openStore(folder, undefined)).rejects.toMatchObject({
    code: 'ERR_STORE',
    message: expect.stringMatching(/coordinator\.db: .*restore a backup/),
  })
})

test('an address of no known database is a fault of the configuration', async () => {
  await expect(openStore(await newFolder(), 'mysql://host/name')).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('postgres'),
  })
})
