import { expect, test } from 'vitest'
import { RunRecord } from '../../coordinator/record.ts'
import { append, emptyHead } from '../../protocol/journal/chain.ts'
import { runSums } from '../support/sum-run.ts'

const build = 'ab'.repeat(32)
const other = 'cd'.repeat(32)

test('a run begins with the build of the pages in its journal, and every site that keeps it is told', async () => {
  const run = await runSums({ sites: 3, rounds: 2, pages: build, written: (entry) => entry })
  const types = run.entries.map(({ type }) => type)
  expect(types.slice(0, 3)).toEqual(['plan', 'roster', 'pages'])
  expect(types.filter((type) => type === 'pages')).toHaveLength(1)
  expect(run.entries[2]).toEqual({ type: 'pages', hash: build })
  const told = run.siteEvents.filter(({ type }) => type === 'pages')
  expect(told.map(({ site }) => site).sort()).toEqual([0, 1, 2])
  expect(told).toMatchObject(told.map(() => ({ hash: build })))
})

test('where no pages are served nothing is said of them', async () => {
  const run = await runSums({ sites: 3, rounds: 1, written: (entry) => entry })
  expect(run.entries.some(({ type }) => type === 'pages')).toBe(false)
})

test('what a later process has to compare its build with is the one that was named last', async () => {
  let head = emptyHead
  const sealed = []
  for (const hash of [build, other]) {
    const appended = await append(head, { type: 'pages', hash }, { at: 1, sign: async () => new Uint8Array(64) })
    head = appended.head
    sealed.push(appended.sealed)
  }
  expect(new RunRecord([]).pages).toBeUndefined()
  expect(new RunRecord(sealed).pages).toBe(other)
})
