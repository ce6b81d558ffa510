/** An operator's audit of the coordinator's own store: while it works, and of copies that somebody has changed. */

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../../protocol/bytes.ts'
import { openIdentity } from '../../protocol/crypto/node/identity.ts'
import { append, emptyHead } from '../../protocol/journal/chain.ts'
import { decodeLog, encodeEntry } from '../../protocol/journal/codec.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import { concordat, Ends, type Hospitals, hospitals, ofType, startHospitals } from '../support/hospitals.ts'

const ends = new Ends()
afterAll(() => ends.all())

const parts = {
  algorithm: { name: 'fed-sgd', learningRate: 8 },
  privacy: { name: 'discrete-gaussian', unit: 'record', population: 700, clip: 0.25, epsilon: 4, delta: 1e-5 },
}
let federation: Hospitals
let home = ''
/** A private run that has ended, and one without noise that is under way. */
let [ended, open] = ['', '']

beforeAll(async () => {
  federation = await startHospitals(ends)
  home = join(federation.folder, 'coordinator')
  const agents = hospitals.map((name) => federation.processes.site(name))
  ended = await federation.submit(await federation.plan('private', { rounds: 3, parts }))
  await federation.watch(ended).until(ofType('finished'))
  await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
  open = await federation.submit(await federation.plan('open', { rounds: 2000 }))
  await federation.watch(open).until((line) => line.type === 'round' && Number(line.round) > 20)
})

test('holds while the coordinator works, with what is kept recomputed; a site that replays all agrees on the privacy spent', async () => {
  const { code, last } = await concordat('audit', '--dir', home)
  expect({ code, last }).toMatchObject({
    code: 0,
    last: {
      runs: [
        { id: ended, name: 'private', holds: true, rounds: 3, recomputed: 3, budgets: 3, finished: true },
        { id: open, name: 'open', holds: true, budgets: 0, finished: false },
      ],
    },
  })
  const site = await concordat('audit', 'verify', 'private', '--folder', join(federation.folder, 'county'))
  expect(site).toMatchObject({ code: 0, last: { holds: true, rounds: 3, budgets: 3 } })
  const journal = await (await federation.api(`runs/${ended}/journal`)).text()
  const budgets = decodeLog(utf8(journal)).entries.flatMap(({ entry }) => (entry.type === 'budget' ? [entry] : []))
  const spent = budgets.map(({ epsilon }) => epsilon ?? Number.POSITIVE_INFINITY)
  expect(spent).toEqual(spent.toSorted((a, b) => a - b))
  expect(spent[2]).toBeLessThanOrEqual(4)
  expect(spent[2]).toBeGreaterThan(3)
})

describe('finds', () => {
  let copy = ''
  beforeAll(async () => {
    await federation.processes.coordinator.kill('SIGKILL')
  })

  const database = <T>(work: (opened: Sqlite.Database) => T): T => {
    const opened = new Sqlite(join(copy, 'coordinator.db'))
    try {
      return work(opened)
    } finally {
      opened.close()
    }
  }
  const linesOf = (run: string): readonly string[] =>
    database((opened) =>
      opened
        .prepare<[string], { line: string }>('SELECT line FROM entries WHERE run = ? ORDER BY place')
        .all(run)
        .map(({ line }) => line),
    )
  const journalOf = (run: string) =>
    decodeLog(
      utf8(
        linesOf(run)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    ).entries
  const rewrite = (run: string, lines: readonly string[]): void =>
    database((opened) => {
      opened.prepare('DELETE FROM entries WHERE run = ?').run(run)
      const insert = opened.prepare('INSERT INTO entries (run, place, line) VALUES (?, ?, ?)')
      for (const [place, line] of lines.entries()) insert.run(run, place, line)
    })
  /** What whoever holds the coordinator's key makes of a journal, without the signatures of the sites. */
  const resealed = async (run: string, change: (entry: JournalEntry) => JournalEntry): Promise<void> => {
    const { sign } = await openIdentity(join(copy, 'coordinator.key'))
    const { entries } = decodeLog(
      utf8(
        linesOf(run)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    )
    const lines: string[] = []
    let head = emptyHead
    for (const { entry, at } of entries) {
      if (entry.type === 'countersignature') continue
      const appended = await append(head, change(entry), { at, sign })
      lines.push(new TextDecoder().decode(encodeEntry(appended.sealed)).trimEnd())
      head = appended.head
    }
    rewrite(run, lines)
  }
  const lastBlob = async (field: string): Promise<string> => {
    const hashes = linesOf(ended).flatMap((line) => new RegExp(`"${field}":"([0-9a-f]{64})"`).exec(line)?.[1] ?? [])
    return join(copy, 'blobs', hashes[hashes.length - 1] ?? 'none')
  }

  const damages: readonly [string, RegExp, () => unknown][] = [
    [
      'an edited line',
      /signature|follow/,
      () =>
        rewrite(
          ended,
          linesOf(ended).map((line) => line.replace('"county"', '"bounty"')),
        ),
    ],
    ['a line that is gone', /expected entry 7, found 8/, () => rewrite(ended, linesOf(ended).toSpliced(7, 1))],
    [
      'an end cut off',
      /its journal has no end/,
      () =>
        rewrite(
          ended,
          linesOf(ended).slice(
            0,
            linesOf(ended).findIndex((line) => line.includes('"finish"')),
          ),
        ),
    ],
    [
      'a smaller cost under a signature that holds',
      /another cost than the round has/,
      () => resealed(ended, (entry) => (entry.type === 'budget' ? { ...entry, mechanism: 'gaussian' } : entry)),
    ],
    [
      'the sum of another round, under a signature that holds',
      /its state does not follow from its sum/,
      () => {
        const sums = journalOf(ended).flatMap(({ entry }) => (entry.type === 'round' ? [entry.sumHash] : []))
        return resealed(ended, (entry) => (entry.type === 'round' ? { ...entry, sumHash: sums[0] } : entry))
      },
    ],
    [
      'a state of which a byte is another',
      /not those it is named by/,
      async () => {
        const path = await lastBlob('stateHash')
        const bytes = await readFile(path)
        bytes[bytes.length - 1] ^= 1
        await writeFile(path, bytes)
      },
    ],
    ['a state that is gone', /is not in the store|is not here/, async () => rm(await lastBlob('stateHash'))],
    [
      'another plan',
      /another plan/,
      () => database((opened) => opened.exec("UPDATE runs SET plan = replace(plan, 'seed: 1', 'seed: 2')")),
    ],
    [
      'another roster',
      /not the pinned roster/,
      () => database((opened) => opened.exec("UPDATE rosters SET sites = replace(sites, 'county', 'bounty')")),
    ],
  ]

  /** SQLite puts two files beside a database that it reads. */
  const filesOf = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder, { recursive: true })).filter((name) => !/-(shm|wal)$/.test(name))

  test.each(damages)('%s', async (_, reason, inflict) => {
    copy = join(federation.folder, 'copy')
    await cp(home, copy, { recursive: true })
    await inflict()
    const before = await filesOf(copy)
    const { code, lines, stderr } = await concordat('audit', '--dir', copy)
    expect([code, stderr]).toEqual([3, expect.stringContaining('ERR_AUDIT')])
    expect(lines).toMatchObject([
      { runs: [{ id: ended, holds: false, reason: expect.stringMatching(reason) }, { id: open }] },
      { error: { code: 'ERR_AUDIT', message: expect.stringContaining(ended) } },
    ])
    expect(await filesOf(copy)).toEqual(before)
    await rm(copy, { recursive: true })
  })
})
