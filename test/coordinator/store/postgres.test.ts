import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../../coordinator/store/index.ts'
import { storeContract } from '../../contracts/store.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

storeContract('PostgreSQL', async () => {
  const url = await server.newDatabase()
  return {
    open: () => openStore('unused', url),
    read: () => openStore('unused', url, { reading: true }),
    remove: async () => {},
  }
})

test('a wrong password is said without quoting it', async () => {
  const url = new URL(await server.newDatabase())
  url.password = 'not-the-password'
  const opening = openStore('unused', url.href)
  await expect(opening).rejects.toMatchObject({ code: 'ERR_STORE', message: expect.stringContaining('DATABASE_URL') })
  await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('not-the-password') })
})
