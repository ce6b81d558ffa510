/** The journal: what is appended verifies, and every edit, loss and forgery is found at its place. */

import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toHex } from '../../../protocol/bytes.ts'
import { budgetEntry, nothingSpent, type RoundCost, spentAfter } from '../../../protocol/journal/budget.ts'
import {
  append,
  approvalBytes,
  emptyHead,
  type Head,
  headBytes,
  withdrawalBytes,
} from '../../../protocol/journal/chain.ts'
import { decodeEntry, decodeLog, encodeEntry } from '../../../protocol/journal/codec.ts'
import type { JournalEntry, SealedEntry } from '../../../protocol/journal/entries.ts'
import { type JournalKeys, type Verdict, verifyJournal } from '../../../protocol/journal/verify.ts'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'

const seeds = { coordinator: new Uint8Array(32).fill(1), a: new Uint8Array(32).fill(2), b: new Uint8Array(32).fill(3) }
const publicKey = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed)
const signWith = (seed: Uint8Array) => async (message: Uint8Array) => ed25519.sign(message, seed)
const hash = (fill: number): string => toHex(new Uint8Array(32).fill(fill))
const siteSignature = (seed: Uint8Array, message: Uint8Array): string => toHex(ed25519.sign(message, seed))

const keys: JournalKeys = {
  coordinator: publicKey(seeds.coordinator),
  verify: async (key, message, signature) => ed25519.verify(signature, message, key),
}

const plan: JournalEntry = {
  type: 'plan',
  name: 'heart',
  planHash: hash(7),
  session: hash(8),
  coordinator: toHex(publicKey(seeds.coordinator)),
}
const roster: JournalEntry = {
  type: 'roster',
  sites: [
    { name: 'a', identity: toHex(publicKey(seeds.a)) },
    { name: 'b', identity: toHex(publicKey(seeds.b)) },
  ],
}
const start = (attempt: number, state: number): JournalEntry => ({
  type: 'round-start',
  attempt,
  purpose: `round ${attempt}`,
  startHash: hash(state),
})
const round = (attempt: number, from: number): JournalEntry => ({
  type: 'round',
  attempt,
  startHash: hash(from),
  participants: ['a'],
  absent: [{ site: 'b', code: 'ERR_TIMEOUT', reason: 'no answer for 60 s' }],
  sumHash: hash(100 + attempt),
  stateHash: hash(from + 1),
})
const finish = (state: number): JournalEntry => ({
  type: 'finish',
  code: 'OK',
  reason: 'the run is complete',
  rounds: 2,
  stateHash: hash(state),
})
const terms = { planHash: hash(7), terms: hash(9), expires: 5000 }

async function journal(entries: readonly JournalEntry[], signer = seeds.coordinator): Promise<SealedEntry[]> {
  let head: Head = emptyHead
  const sealed: SealedEntry[] = []
  for (const [i, entry] of entries.entries()) {
    const appended = await append(head, entry, { at: 1000 + i, sign: signWith(signer) })
    sealed.push(appended.sealed)
    head = appended.head
  }
  return sealed
}

const cost: RoundCost = {
  ...{ unit: 'record', mechanism: 'gaussian', delta: 1e-5 },
  events: [{ type: 'gaussian', noiseMultiplier: 2, sampling: { type: 'all' }, count: 1 }],
}
const first = budgetEntry(nothingSpent, 0, cost)

const run: readonly JournalEntry[] = [
  plan,
  roster,
  { type: 'approval', site: 'a', ...terms, signature: siteSignature(seeds.a, approvalBytes(terms)) },
  { type: 'refusal', site: 'b', code: 'ERR_POLICY_REFUSED', reason: 'outside its hours' },
  { type: 'pages', hash: hash(30) },
  start(0, 20),
  round(0, 20),
  { type: 'pages', hash: hash(31) },
  first,
  { type: 'abort', attempt: 1, code: 'ERR_TIMEOUT', reason: 'too few shares' },
  { type: 'culprit', site: 'b', attempt: 1, code: 'ERR_BAD_SHARE', reason: 'its share does not open' },
  round(2, 21),
  budgetEntry(spentAfter(nothingSpent, cost.events), 2, cost),
  finish(22),
]

const fault = (verdict: Verdict): string | undefined => (verdict.ok ? undefined : `${verdict.index}: ${verdict.reason}`)

test('a journal of every kind of entry verifies and gives its last state', async () => {
  const verdict = await verifyJournal(await journal(run), keys)
  expect(fault(verdict)).toBeUndefined()
  expect(verdict.ok && verdict.follower).toMatchObject({ stateHash: hash(22), pages: hash(31) })
})

test('a journal from before pages had a build verifies, and names none', async () => {
  const verdict = await verifyJournal(await journal(run.filter(({ type }) => type !== 'pages')), keys)
  expect(verdict.ok && verdict.follower.pages).toBeUndefined()
})

test('an edit of any byte of any line is found, at its line or at the next', async () => {
  const entries = await journal(run)
  const lines = entries.map(encodeEntry)
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (line, at, change) => {
      const i = line % lines.length
      const edited = Uint8Array.from(lines[i])
      edited[at % (edited.length - 1)] ^= change
      let parsed: readonly SealedEntry[]
      try {
        parsed = decodeLog(concat(...lines.slice(0, i), edited, ...lines.slice(i + 1))).entries
      } catch {
        return
      }
      const verdict = await verifyJournal(parsed, keys)
      expect(verdict.ok).toBe(false)
      expect(!verdict.ok && verdict.index).toBeLessThanOrEqual(i + 1)
    }),
    { numRuns: 60 },
  )
})

test('a removed entry and two exchanged entries are found', async () => {
  const entries = await journal(run)
  expect(fault(await verifyJournal(entries.toSpliced(4, 1), keys))).toBe('4: expected entry 4, found 5')
  expect(fault(await verifyJournal(entries.with(4, entries[5]).with(5, entries[4]), keys))).toMatch(/^4: /)
})

test('a journal cut at its end is found by who countersigned more of it', async () => {
  const entries = await journal(run)
  const verdict = await verifyJournal(entries, keys)
  if (!verdict.ok) throw new Error(verdict.reason)
  const seen = [{ index: entries.length, hash: verdict.follower.head.hash }]
  expect(fault(await verifyJournal(entries, { ...keys, seen }))).toBeUndefined()
  expect(fault(await verifyJournal(entries.slice(0, -1), { ...keys, seen }))).toMatch(/ended before/)
})

test('a journal rewritten by the coordinator itself is found by who countersigned the first one', async () => {
  const first = await verifyJournal(await journal(run.slice(0, 6)), keys)
  if (!first.ok) throw new Error(first.reason)
  const second = await journal([
    ...run.slice(0, 5),
    { ...round(0, 20), participants: ['a', 'b'], absent: [] } as JournalEntry,
  ])
  expect(fault(await verifyJournal(second, keys))).toBeUndefined()
  const seen = [{ index: 6, hash: first.follower.head.hash }]
  expect(fault(await verifyJournal(second, { ...keys, seen }))).toMatch(/^5: .*another journal/)
})

test('a journal signed with another key is refused at its first entry', async () => {
  expect(fault(await verifyJournal(await journal(run, seeds.a), keys))).toMatch(/^0: .*coordinator's signature/)
})

test('a countersignature holds for the head it names, and for no other', async () => {
  const entries = await journal(run)
  const verdict = await verifyJournal(entries, keys)
  if (!verdict.ok) throw new Error(verdict.reason)
  const { head } = verdict.follower
  const entry = (signer: Uint8Array, index: number): JournalEntry => ({
    type: 'countersignature',
    site: 'a',
    index,
    head: toHex(head.hash),
    signature: siteSignature(signer, headBytes({ index, hash: head.hash })),
  })
  const signed = await verifyJournal(await journal([...run, entry(seeds.a, head.index)]), keys)
  expect(signed.ok && signed.follower.countersigned.get('a')).toBe(run.length)
  expect(fault(await verifyJournal(await journal([...run, entry(seeds.b, head.index)]), keys))).toMatch(
    /signature of a/,
  )
  expect(fault(await verifyJournal(await journal([...run, entry(seeds.a, 3)]), keys))).toMatch(/another journal/)
})

describe('an entry that may not stand where it stands is refused', () => {
  const withdrawal = { session: hash(99), reason: 'new law' }
  test.each<[string, JournalEntry[], RegExp]>([
    ['a roster before the plan', [roster, plan], /^0: expected the plan/],
    ['a second plan', [plan, roster, plan], /^2: a run has one plan/],
    ['a second roster', [plan, roster, roster], /^2: a run has one roster/],
    ['another coordinator', [{ ...plan, coordinator: hash(5) } as JournalEntry], /^0: it names another coordinator/],
    ['an unknown site', [plan, roster, { type: 'refusal', site: 'c', code: 'ERR_X', reason: '' }], /^2: .*no site "c"/],
    [
      'a site in two roles',
      [plan, roster, { ...round(0, 20), participants: ['a', 'b'] } as JournalEntry],
      /^2: it names a site twice/,
    ],
    ['a round from another state', [plan, roster, round(0, 20), round(1, 30)], /^3: .*state of the round before/],
    ['an entry after the end', [plan, roster, finish(20), start(1, 20)], /^3: the run was finished/],
    [
      'a withdrawal from another run',
      [
        plan,
        roster,
        {
          type: 'withdrawal',
          site: 'a',
          ...withdrawal,
          signature: siteSignature(seeds.a, withdrawalBytes(withdrawal)),
        },
      ],
      /^2: the withdrawal is from another run/,
    ],
    [
      'an approval signed by another site',
      [
        plan,
        roster,
        { type: 'approval', site: 'a', ...terms, signature: siteSignature(seeds.b, approvalBytes(terms)) },
      ],
      /^2: .*signature of a/,
    ],
  ])('%s', async (_, entries, expected) => {
    expect(fault(await verifyJournal(await journal(entries), keys))).toMatch(expected)
  })

  test('a roster that is not the pinned one', async () => {
    const pinned = [{ name: 'a', identity: publicKey(seeds.a) }]
    expect(fault(await verifyJournal(await journal([plan, roster]), { ...keys, roster: pinned }))).toMatch(/pinned/)
  })
})

test('a clock set back does not move the journal back', async () => {
  const first = await append(emptyHead, plan, { at: 9000, sign: signWith(seeds.coordinator) })
  const second = await append(first.head, roster, { at: 10, sign: signWith(seeds.coordinator) })
  expect(second.sealed.at).toBe(9000)
  expect((await verifyJournal([first.sealed, second.sealed], keys)).ok).toBe(true)
})

test('an entry survives its bytes, and a torn last line is told apart from the entries', async () => {
  const entries = await journal(run)
  const bytes = concat(...entries.map(encodeEntry))
  expect(decodeEntry(encodeEntry(entries[0]))).toEqual(entries[0])
  expect(decodeLog(bytes)).toEqual({ entries, torn: 0 })
  const torn = decodeLog(bytes.subarray(0, bytes.length - 10))
  expect(torn.entries).toEqual(entries.slice(0, -1))
  expect(torn.torn).toBe(encodeEntry(entries[entries.length - 1]).length - 10)
})

test('bytes that are no journal are refused with the line', () => {
  const bytes = new TextEncoder().encode('{"index":0}\n')
  expect(() => decodeLog(bytes)).toThrow(
    expect.objectContaining({ code: 'ERR_JOURNAL', message: expect.stringMatching(/^line 1/) }),
  )
})

test('a line that says the same in other bytes is refused', async () => {
  const [entry] = await journal([plan])
  const spaced = new TextEncoder().encode(JSON.stringify(entry, null, 1).replaceAll('\n', ' '))
  expect(() => decodeEntry(spaced)).toThrow(/canonical/)
})

describe('what a run has cost', () => {
  const at = run.indexOf(first)
  const found = async (entries: readonly JournalEntry[]) => fault(await verifyJournal(await journal(entries), keys))

  test('is the epsilon that its rounds add up to', () => {
    const second = run[run.length - 2]
    expect(second.type === 'budget' && [second.releases, second.epsilon]).toEqual([
      2,
      rdpEpsilon([{ ...cost.events[0], count: 2 }], 1e-5),
    ])
  })

  test('is refused where it is less or more than the events say, by any part beyond rounding', async () => {
    for (const factor of [0, 0.5, 1 - 1e-8, 1 + 1e-8, 2]) {
      const epsilon = (first.epsilon ?? 0) * factor
      expect(await found(run.with(at, { ...first, epsilon }))).toContain(`${at}: it says epsilon`)
    }
    expect(await found(run.with(at, { ...first, epsilon: null }))).toContain('it says epsilon null')
    expect(await found(run.with(at, { ...first, releases: 2 }))).toContain('it counts 2 releases, expected 1')
    const rounded = run.with(at, { ...first, epsilon: (first.epsilon ?? 0) * (1 + 1e-12) })
    expect(await found(rounded)).toBeUndefined()
  })

  test('is said of each round once it is said of the first, and of no other', async () => {
    const lacking = `${run.length - 2}: the round before has no budget entry`
    expect(await found(run.toSpliced(run.length - 2, 1))).toBe(lacking)
    expect(await found(run.toSpliced(at, 1))).toContain('it is not of the round just before')
    expect(await found(run.toSpliced(at, 0, first))).toContain('it is not of the round just before')
    expect(await found(run.with(at, { ...first, attempt: 1 }))).toContain('it is not of the round just before')
  })

  test('is not said in journals from before, which verify as they are', async () => {
    const verdict = await verifyJournal(await journal(run.filter(({ type }) => type !== 'budget')), keys)
    expect(fault(verdict)).toBeUndefined()
    expect(verdict.ok && verdict.follower.spent.releases).toBe(0)
  })

  test('is unbounded from the first release without noise on', () => {
    const bare: RoundCost = { ...cost, events: [{ type: 'unprotected', count: 1 }] }
    expect(budgetEntry(nothingSpent, 0, bare).epsilon).toBeNull()
    expect(budgetEntry(spentAfter(nothingSpent, bare.events), 1, cost).epsilon).toBeNull()
  })
})
