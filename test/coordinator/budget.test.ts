import { describe, expect, test } from 'vitest'
import { chargeLastRound, spentBefore } from '../../coordinator/budget.ts'
import { planMenus } from '../../learning/computation.ts'
import type { SumRequest } from '../../protocol/algorithm.ts'
import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { append, emptyHead } from '../../protocol/journal/chain.ts'
import type { JournalEntry, SealedEntry } from '../../protocol/journal/entries.ts'
import { parsePlan } from '../../protocol/plan.ts'
import { rdpEpsilon } from '../../protocol/privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../../protocol/privacy/event.ts'
import { attemptOf } from '../../protocol/wire/attempts.ts'
import { memoryBlobs } from '../../protocol/wire/memory-channel.ts'
import { runSums, summing } from '../support/sum-run.ts'

const release: PrivacyEvent = { type: 'gaussian', noiseMultiplier: 3, sampling: { type: 'all' }, count: 1 }
const protection = { unit: 'patient' as const, cost: (_: SumRequest): readonly PrivacyEvent[] => [release] }
const asIs = (entry: JournalEntry): JournalEntry => entry

describe('after each round of a private plan', () => {
  test('the journal says what the run has cost so far, and its sites sign it', async () => {
    const run = await runSums({ sites: 3, rounds: 3, protection, written: asIs })
    const budgets = run.entries.filter((entry) => entry.type === 'budget')
    expect(budgets).toEqual(
      [1, 2, 3].map((releases) => ({
        ...{ type: 'budget', attempt: attemptOf(releases - 1, 0), unit: 'patient', mechanism: 'none', delta: 1e-5 },
        ...{
          events: [release],
          releases,
          epsilon: expect.closeTo(rdpEpsilon([{ ...release, count: releases }], 1e-5), 9),
        },
      })),
    )
    expect(run.entries.filter(({ type }) => type === 'countersignature').length).toBeGreaterThanOrEqual(9)
    expect(run.turnedAway).toEqual([])
  })

  test('a site refuses a cost that its plan does not have, though the sum is right', async () => {
    const cheap: PrivacyEvent = { ...release, noiseMultiplier: 30 }
    const epsilon = rdpEpsilon([cheap], 1e-5)
    const run = await runSums({
      ...{ sites: 3, rounds: 2, protection },
      written: (entry) => (entry.type === 'budget' ? { ...entry, events: [cheap], epsilon } : entry),
    })
    expect(run.turnedAway.map(({ code }) => code)).toContain('ERR_JOURNAL')
    expect(run.entries.filter(({ type }) => type === 'countersignature')).toEqual([])
  })

  test('a site refuses any cost of a plan that hides nobody', async () => {
    const [attempt, next] = [attemptOf(0, 0), attemptOf(1, 0)]
    const made = { mechanism: 'none', delta: 1e-5, events: [], releases: 1, epsilon: 0 }
    const run = await runSums({
      ...{ sites: 3, rounds: 2 },
      written: (entry) =>
        entry.type === 'round-start' && entry.attempt === next
          ? { type: 'budget', attempt, unit: 'site', ...made }
          : entry,
    })
    expect(run.turnedAway.map(({ code }) => code)).toContain('ERR_JOURNAL')
  })
})

const algorithm = summing(3)
const start = algorithm.encode(algorithm.init())
const hash = await nodeProvider.sha256(start)

describe('a coordinator that is started again', () => {
  const plan = parsePlan(
    {
      concordat: 1,
      name: 'p',
      algorithm: { name: 'statistics' },
      data: { columns: [{ name: 'x', type: 'number', range: [0, 1] }] },
    },
    planMenus,
  )
  const round: JournalEntry = {
    ...{ type: 'round', attempt: attemptOf(0, 1), startHash: toHex(hash), participants: [], absent: [] },
    ...{ sumHash: toHex(hash), stateHash: toHex(hash) },
  }
  const sealed = async (...entries: JournalEntry[]): Promise<readonly SealedEntry[]> =>
    Promise.all(
      entries.map(
        async (entry) => (await append(emptyHead, entry, { at: 1, sign: async () => new Uint8Array(64) })).sealed,
      ),
    )

  async function opened(entries: readonly SealedEntry[]) {
    const blobs = memoryBlobs()
    await blobs.put(hash, start)
    const written: JournalEntry[] = []
    const run = {
      ...{ plan, algorithm, blobs, entries, ...protection, spent: spentBefore({ ...protection, entries }) },
      journal: async (entry: JournalEntry) => {
        written.push(entry)
        return append(emptyHead, entry, { at: 1, sign: async () => new Uint8Array(64) })
      },
    }
    await chargeLastRound(run)
    return { written, spent: run.spent }
  }

  test('writes the cost of a round that was committed just before it died', async () => {
    const { written, spent } = await opened(await sealed(round))
    expect(written).toMatchObject([{ type: 'budget', attempt: attemptOf(0, 1), releases: 1, events: [release] }])
    expect(spent?.releases).toBe(1)
    expect((await opened(await sealed(round, ...written))).written).toEqual([])
  })

  test('leaves the journal of an older version as it was begun', async () => {
    expect(await opened(await sealed(round, round))).toEqual({ written: [], spent: undefined })
  })
})
