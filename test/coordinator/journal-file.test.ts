import { appendFile, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal } from '../../coordinator/journal-file.ts'
import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import { testRandom } from '../support/secure-round.ts'

const seed = testRandom('coordinator').bytes(32)
const identity = {
  publicKey: await provider.ed25519PublicKey(seed),
  sign: (message: Uint8Array) => provider.ed25519Sign(seed, message),
}
const clock = { now: () => 1000, wait: async () => {} }
const hash = 'ab'.repeat(32)
const plan: JournalEntry = {
  ...{ type: 'plan', name: 'p', planHash: hash, session: hash },
  coordinator: toHex(identity.publicKey),
}
const roster: JournalEntry = { type: 'roster', sites: [] }
const start: JournalEntry = { type: 'round-start', attempt: 1, purpose: 'test', startHash: hash }

async function written(...entries: JournalEntry[]): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'concordat-')), 'run.jsonl')
  const log = await openJournal(path, identity, clock)
  for (const entry of entries) await log.journal(entry)
  await log.close()
  return path
}

async function reopened(path: string): Promise<readonly JournalEntry[]> {
  const log = await openJournal(path, identity, clock)
  await log.close()
  return log.entries.map(({ entry }) => entry)
}

test('a journal that is opened again has its entries and goes on in the same chain', async () => {
  const path = await written(plan, roster)
  const log = await openJournal(path, identity, clock)
  expect(log.entries.map(({ entry }) => entry)).toEqual([plan, roster])
  await log.journal(start)
  await log.close()
  expect(await reopened(path)).toEqual([plan, roster, start])
})

test('half a line that a crash left is cut off', async () => {
  const path = await written(plan, roster)
  const whole = await readFile(path, 'utf8')
  await appendFile(path, '{"at":1000,"entr')
  expect(await reopened(path)).toEqual([plan, roster])
  expect(await readFile(path, 'utf8')).toBe(whole)
})

test('a journal that a crash left before its roster is begun anew', async () => {
  const path = await written(plan)
  expect(await reopened(path)).toEqual([])
  expect(await readFile(path, 'utf8')).toBe('')
})

test('an edited journal is refused with the entry that does not hold, and left as it is', async () => {
  const path = await written(plan, roster, start)
  const edited = (await readFile(path, 'utf8')).replace('"purpose":"test"', '"purpose":"tost"')
  await writeFile(path, edited)
  await expect(reopened(path)).rejects.toMatchObject({
    code: 'ERR_JOURNAL',
    message: expect.stringContaining('entry 2'),
  })
  expect(await readFile(path, 'utf8')).toBe(edited)
})
