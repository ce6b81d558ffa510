import { expect, test } from 'vitest'
import { checkpointOf } from '../../coordinator/checkpoint.ts'
import type { Algorithm } from '../../protocol/algorithm.ts'
import { fromHex } from '../../protocol/bytes.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import { attemptOf } from '../../protocol/wire/attempts.ts'
import { memoryBlobs } from '../../protocol/wire/memory-channel.ts'

const hash = (digit: string): string => digit.repeat(64)

/** States are single bytes. */
const counter: Algorithm<number, unknown> = {
  init: () => 0,
  request: () => undefined,
  contribute: async () => ({}),
  apply: (state) => state + 1,
  encode: (state) => Uint8Array.of(state),
  decode: ([state]) => state,
  metrics: () => ({}),
  result: (state) => state,
}

const begun: JournalEntry[] = [
  { type: 'plan', name: 'p', planHash: hash('a'), session: hash('b'), coordinator: hash('c') },
  { type: 'roster', sites: [] },
]
const start = (round: number, tries = 0): JournalEntry => ({
  ...{ type: 'round-start', attempt: attemptOf(round, tries), purpose: 'test', startHash: hash('0') },
})
const round = (number: number, state: string): JournalEntry => ({
  ...{ type: 'round', attempt: attemptOf(number, 0), startHash: hash('0'), participants: [], absent: [] },
  ...{ sumHash: hash('0'), stateHash: hash(state) },
})

async function store() {
  const blobs = memoryBlobs()
  await blobs.put(fromHex(hash('1')), Uint8Array.of(1))
  await blobs.put(fromHex(hash('2')), Uint8Array.of(2))
  return blobs
}

test('a run whose journal has not begun is a new one', async () => {
  expect(await checkpointOf([], counter, await store())).toBeUndefined()
})

test('an attempt left in the middle is known, and the state is that of the last committed round', async () => {
  const entries = [...begun, start(0), round(0, '1'), start(1), round(1, '2'), start(2)]
  expect(await checkpointOf(entries, counter, await store())).toEqual({
    ...{
      state: 2,
      rounds: 2,
      attempt: attemptOf(2, 0),
      interrupted: true,
      finished: false,
      transcripts: [],
      asked: [],
    },
  })
})

test('an attempt that was aborted was not left in the middle, and its number is not used again', async () => {
  const aborted: JournalEntry = { type: 'abort', attempt: attemptOf(0, 3), code: 'ERR_TEST', reason: '' }
  expect(await checkpointOf([...begun, start(0, 3), aborted], counter, await store())).toEqual({
    ...{
      state: 0,
      rounds: 0,
      attempt: attemptOf(0, 3),
      interrupted: false,
      finished: false,
      transcripts: [],
      asked: [],
    },
  })
})

test('a finished journal says so', async () => {
  const finish: JournalEntry = { type: 'finish', code: 'OK', reason: '', rounds: 1, stateHash: hash('1') }
  const entries = [...begun, start(0), round(0, '1'), finish]
  expect(await checkpointOf(entries, counter, await store())).toMatchObject({ state: 1, finished: true })
})

test('a committed state that is gone is said, not made up', async () => {
  const entries = [...begun, start(0), round(0, '9')]
  await expect(checkpointOf(entries, counter, await store())).rejects.toMatchObject({ code: 'ERR_STORE' })
})

test('whom shares were asked about in the round to come is known, over all its attempts and no other round', async () => {
  const asked = (n: number, tries: number, sites: string[]): JournalEntry => ({
    ...{ type: 'survivors', attempt: attemptOf(n, tries), sites },
  })
  const entries = [
    ...begun,
    start(0),
    asked(0, 0, ['a']),
    round(0, '1'),
    start(1),
    asked(1, 0, ['b']),
    asked(1, 1, ['c']),
  ]
  expect(await checkpointOf(entries, counter, await store())).toMatchObject({ asked: ['b', 'c'] })
})
