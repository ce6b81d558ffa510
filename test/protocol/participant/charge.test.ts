import { describe, expect, test } from 'vitest'
import type { RoundEvent } from '../../../coordinator/events.ts'
import { planMenus } from '../../../learning/computation.ts'
import { readCsv } from '../../../learning/data/csv.ts'
import { InputError, SiteRefusal } from '../../../protocol/errors.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../../../protocol/privacy/event.ts'
import { type Charge, checkWhole, type LedgerEntry, lossWith, nothingLost } from '../../../protocol/privacy/ledger.ts'
import { decodeSecure } from '../../../protocol/secagg/messages.ts'
import { attemptOf } from '../../../protocol/wire/attempts.ts'
import { decodeMessage } from '../../../protocol/wire/messages.ts'
import { fourHospitals } from '../../../simulations/datasets/four-hospitals.ts'
import { federate } from '../../../simulations/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { runSums, type SumRunOptions, wrongRounds } from '../../support/sum-run.ts'

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

const plan = parsePlan(
  { concordat: 1, name: 'counts', algorithm: { name: 'statistics' }, data: fourHospitals.schema },
  planMenus,
)
const sites = await Promise.all(
  fourHospitals.generate({ seed: 1 }).map(async ({ site, csv }) => {
    const { table } = await readCsv({ name: site, chunks: once(csv) }, { schema: plan.data })
    return { name: site, table, trainer: plainTrainer }
  }),
)

test('a site whose ledger refuses the charge sends nothing: the sum is that of the others, who are told the code alone', async () => {
  const rounds: RoundEvent[] = []
  const charged: [string, Charge][] = []
  await federate(
    plan,
    sites,
    (event) => {
      if (event.type === 'round') rounds.push(event)
    },
    async (site, charge) => {
      if (site === 'county') throw new SiteRefusal('ERR_BUDGET', 'epsilon 1.2345 of 1 is spent')
      charged.push([site, charge])
    },
  )
  expect(rounds).toHaveLength(1)
  const [{ absent, metrics }] = rounds
  expect(absent).toEqual([{ site: 'county', code: 'ERR_BUDGET', reason: expect.not.stringContaining('1.2345') }])
  const others = sites.filter(({ name }) => name !== 'county')
  expect(metrics.rows).toBe(others.reduce((sum, { table }) => sum + table.rows, 0))
  expect(charged.map(([site]) => site).sort()).toEqual(others.map(({ name }) => name).sort())
  for (const [, charge] of charged) {
    const bare = { events: [{ type: 'unprotected', count: 1 }] }
    expect(charge).toMatchObject({ plan: 'counts', purpose: 'statistics of every column', unit: null, ...bare })
  }
})

describe('a round that is tried again', () => {
  const release: PrivacyEvent = { type: 'gaussian', noiseMultiplier: 3, sampling: { type: 'all' }, count: 1 }
  const protection = { unit: 'record' as const, cost: (): readonly PrivacyEvent[] => [release] }

  /** Three sites of three are needed: the first attempt fails for the third one's fault, all others have sent theirs. */
  async function tried(shape?: SumRunOptions['shape'], charge?: (entered: number) => void) {
    const charges: Charge[][] = [[], [], []]
    let faults = 1
    const run = await runSums({
      ...{ sites: 3, rounds: 2, protection, ...(shape && { shape }) },
      work: async (index, round) => {
        if (index === 2 && round === 0 && faults-- > 0) throw new InputError('ERR_DATA_CHANGED', 'not now')
      },
      charge: async (index, entry) => {
        charge?.(index)
        charges[index].push(entry)
      },
    })
    expect(wrongRounds(run)).toEqual([])
    return { run, charges }
  }
  const costs = (charges: readonly Charge[]): number[] => charges.map(({ events }) => rdpEpsilon(events, 1e-5))
  const once = rdpEpsilon([release], 1e-5)

  test('with the same numbers stands in the ledger again and costs nothing more', async () => {
    const { run, charges } = await tried()
    expect(run.entries.filter(({ type }) => type === 'abort')).toHaveLength(1)
    for (const index of [0, 1]) expect(costs(charges[index])).toEqual([once, 0, once])
    expect(costs(charges[2])).toEqual([once, once])
    expect(charges[0].map(({ attempt }) => attempt)).toEqual([attemptOf(0, 0), attemptOf(0, 1), attemptOf(1, 0)])
  })

  test('by a process that was started anew, with fresh noise, is charged in full', async () => {
    let killed = false
    const { charges } = await tried((link, site) => ({
      ...link,
      send: (frame) => {
        link.send(frame)
        const message = decodeMessage(frame)
        if (site.index !== 1 || killed || message.type !== 'secure') return
        if (decodeSecure(message.body).type !== 'upload') return
        killed = true
        site.kill()
      },
    }))
    expect(costs(charges[1]).slice(0, 2)).toEqual([once, once])
    expect(costs(charges[0]).slice(0, 2)).toEqual([once, 0])
  })

  test('is charged in full where the ledger did not take the first charge', async () => {
    let refusals = 1
    const { charges } = await tried(undefined, (index) => {
      if (index === 0 && refusals-- > 0) throw new SiteRefusal('ERR_CLOCK', 'the clock stands before the last entry')
    })
    expect(costs(charges[0])[0]).toBe(once)
  })
})

describe('a run that would cost more than is left', () => {
  const budget = { epsilon: 2, delta: 1e-5 }
  const release: PrivacyEvent = { type: 'gaussian', noiseMultiplier: 12, sampling: { type: 'all' }, count: 1 }
  const entryOf = (session: string, count: number): LedgerEntry => ({
    ...{ index: 0, previous: '', at: 0, dataset: 'records', signature: '' },
    charge: { session, plan: 'p', attempt: 1, purpose: 'x', unit: 'record', events: [{ ...release, count }] },
  })
  const held = (planned: number, ...entries: readonly LedgerEntry[]): void => {
    const loss = entries.reduce((sum, { charge }) => lossWith(sum, charge), nothingLost)
    const run = { session: 'mine', unit: 'record' as const, events: [{ ...release, count: planned }] }
    checkWhole(loss, run, { budget, entries })
  }
  /** The most releases that the cap holds. */
  const most = Array.from({ length: 100 }, (_, i) => i + 1).findLast(
    (count) => rdpEpsilon([{ ...release, count }], budget.delta) <= budget.epsilon,
  )

  test('is refused as a whole before it begins, beside what other runs have cost, and what just fits is not', () => {
    if (most === undefined) throw new Error('the budget holds nothing')
    held(most)
    expect(() => held(most + 1)).toThrow(
      /^the whole run would bring epsilon from 0\.0000 to 2\.\d+; the cap is 2 at delta/,
    )
    held(most - 2, entryOf('other', 2))
    expect(() => held(most - 1, entryOf('other', 2))).toThrow(expect.objectContaining({ code: 'ERR_BUDGET_PLAN' }))
  })

  test('counts what it has cost already once: a site that is started again stays in', () => {
    if (most === undefined) throw new Error('the budget holds nothing')
    held(most, entryOf('mine', most - 1))
    held(most - 2, entryOf('mine', 1), entryOf('other', 2), entryOf('mine', 1))
    expect(() => held(1, entryOf('other', most + 1))).toThrow(expect.objectContaining({ code: 'ERR_BUDGET_PLAN' }))
  })

  test('without noise fits no budget, and any where there is none', () => {
    const bare = { session: 'mine', unit: null, events: [{ type: 'unprotected' as const, count: 1 }] }
    expect(() => checkWhole(nothingLost, bare, { budget, entries: [] })).toThrow(/beyond any bound/)
    checkWhole(nothingLost, bare, { budget: undefined, entries: [] })
  })

  test('is declined by its site at joining, with the code alone, and the others go on', async () => {
    const run = await runSums({
      ...{ sites: 4, protection: { unit: 'record', cost: () => [release] }, whole: [{ ...release, count: 1000 }] },
      affords: async (index, planned) => {
        if (index === 3) checkWhole(nothingLost, planned, { budget, entries: [] })
      },
    })
    expect(run.siteEvents.find(({ type, site }) => type === 'declined' && site === 3)).toMatchObject({
      ...{ code: 'ERR_BUDGET_PLAN', reason: expect.stringContaining('the whole run would bring epsilon') },
    })
    expect(run.events.find(({ type }) => type === 'declined')).toMatchObject({
      ...{ site: 'site-3', code: 'ERR_BUDGET_PLAN', reason: expect.not.stringContaining('epsilon') },
    })
    const [round] = run.entries.flatMap((entry) => (entry.type === 'round' ? [entry] : []))
    expect(round.participants).toEqual(['site-0', 'site-1', 'site-2'])
  })
})
