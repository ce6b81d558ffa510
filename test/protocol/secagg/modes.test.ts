import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeProvider } from '../../../protocol/crypto/node/provider.ts'
import { pureProvider } from '../../../protocol/crypto/pure-provider.ts'
import { platformProvider } from '../../../protocol/crypto/web/provider.ts'
import { fastDelta } from '../../../protocol/privacy/cohort.ts'
import { colludersInGroup, formationOf, groupSizes, honestNoise } from '../../../protocol/secagg/formation.ts'
import { drawGroups } from '../../../protocol/secagg/groups.ts'
import { attemptOf } from '../../../protocol/wire/attempts.ts'
import { cohortOf, type Step, secureRound } from '../../support/secure-round.ts'
import { runSums, wrongRounds } from '../../support/sum-run.ts'

describe('fast mode', () => {
  test('sums exactly with one message less, with drop-outs, and says how many honest sites are behind it', async () => {
    const lastSteps: Step[] = [...Array<Step>(8).fill('reveal'), 'deposit', 'upload']
    const vectors = lastSteps.map((_, i) => Int32Array.of(i, -i))
    const cohort = await cohortOf(10, { encoding: { mode: 'fast' } })
    expect([...(await secureRound(cohort, vectors, lastSteps))]).toEqual([37, -37])
    expect(cohort.session.formation.honest).toBe(fastDelta({ sites: 10, colluding: 2, threshold: 8 }))
  })

  test('is refused where a sum might be one site alone, by every party for itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 128 }), fc.integer({ min: 0, max: 64 }), (sites, colluding) => {
        const formation = attemptFormation(sites, colluding)
        if (formation === undefined) return
        expect(formation.honest).toBeGreaterThanOrEqual(2)
        const [limits] = formation.thresholds.values()
        expect(formation.honest).toBe(fastDelta({ sites, colluding, threshold: limits.threshold }))
      }),
      { numRuns: 300, seed: 1 },
    )
    for (const mode of ['fast', 'strict'] as const)
      expect(() => formationOf(3, { quorum: { colluding: 2 }, encoding: { mode } })).toThrow(
        expect.objectContaining({ code: 'ERR_HONEST_MINIMUM' }),
      )
  })

  const attemptFormation = (sites: number, colluding: number) => {
    try {
      return formationOf(sites, { quorum: { colluding }, encoding: { mode: 'fast' } })
    } catch {
      return undefined
    }
  }

  test('runs through the deployed coordinator and participants; terminals show its honest minimum', async () => {
    const run = await runSums({ sites: 5, rounds: 2, rules: { encoding: { mode: 'fast' } } })
    expect(wrongRounds(run)).toEqual([])
    expect(run.result.rounds).toBe(2)
    expect(run.events).toContainEqual({ type: 'formation', mode: 'fast', groups: 1, honest: 3 })
    expect(run.siteEvents).toContainEqual(
      expect.objectContaining({ site: 0, type: 'joined', plan: 'sums', mode: 'fast', honest: 3 }),
    )
  })
})

describe('groups', () => {
  test('are as many as 128 to a group need, equal but for one, and everybody is in one of them', async () => {
    for (const [sites, sizes] of [
      [128, [128]],
      [129, [65, 64]],
      [300, [100, 100, 100]],
    ] as const) {
      expect(groupSizes(sites, formationOf(sites).groups)).toEqual(sizes)
    }
    const { session } = await cohortOf(200, { encoding: { group: 32 } })
    const groups = await drawGroups(nodeProvider, session, attemptOf(3, 0))
    const members = groups.flatMap((group) => group.members)
    expect(groups.map((group) => group.members.length)).toEqual(groupSizes(200, 7))
    expect([...members].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  })

  test('are drawn anew each round, and the same for all attempts at one round', async () => {
    const { session } = await cohortOf(200, { encoding: { group: 64 } })
    const drawn = async (attempt: number) =>
      (await drawGroups(nodeProvider, session, attempt)).map((group) => group.members)
    expect(await drawn(attemptOf(1, 0))).toEqual(await drawn(attemptOf(1, 7)))
    expect(await drawn(attemptOf(1, 0))).not.toEqual(await drawn(attemptOf(2, 0)))
  })

  test('count on as many colluding sites as a bad draw may bring: more in any group is rarer than 2^-60', () => {
    const question = { sites: 1000, groups: 8, colluding: 200, size: 125 }
    const counted = colludersInGroup(question)
    expect(8 * tail(question, counted)).toBeLessThanOrEqual(2 ** -60)
    expect(8 * tail(question, counted - 1)).toBeGreaterThan(2 ** -60)
    expect(colludersInGroup({ ...question, colluding: 0 })).toBe(0)
  })

  /** P[more than c of `size` drawn sites are among the colluding], in floating point. */
  function tail({ sites, colluding, size }: { sites: number; colluding: number; size: number }, c: number): number {
    const logFactorial = (n: number): number => {
      let sum = 0
      for (let i = 2; i <= n; i++) sum += Math.log(i)
      return sum
    }
    const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k)
    let sum = 0
    for (let k = c + 1; k <= Math.min(size, colluding); k++)
      sum += Math.exp(logChoose(colluding, k) + logChoose(sites - colluding, size - k) - logChoose(sites, size))
    return sum
  }

  test('need each by itself what a sum needs: thresholds, honest sites, noise for the honest of one group', () => {
    const formation = formationOf(300)
    const [[size, limits]] = [...formation.thresholds]
    expect(2 * limits.threshold).toBeGreaterThan(size + limits.colluding)
    expect(limits.colluding).toBeGreaterThan(size / 5)
    expect(formation.honest).toBe(limits.minimum - limits.colluding)
    expect(honestNoise(300, {})).toBe(formation.honest)
    expect(() => formationOf(300, { encoding: { group: 3 } })).toThrow(expect.objectContaining({ name: 'InputError' }))
  })

  test('of a few hundred sites add into one exact sum, over several rounds with other groups', async () => {
    const rules = { quorum: { colluding: 0 }, encoding: { group: 8 } }
    const run = await runSums({ sites: 200, rounds: 2, rules })
    expect(run.events).toContainEqual({ type: 'formation', mode: 'strict', groups: 25, honest: 6 })
    expect(run.result.state.rounds.map(({ survivors }) => survivors)).toEqual([200, 200])
    expect(wrongRounds(run)).toEqual([])
    const rounds = run.entries.filter((entry) => entry.type === 'round')
    expect(rounds.map(({ transcripts }) => transcripts?.length)).toEqual([25, 25])
  }, 120_000)

  test('that fall below their minimum are left out, the others are summed, and the sum says how many', async () => {
    const rules = { quorum: { colluding: 0 }, encoding: { group: 8 } }
    const { session } = await cohortOf(24, rules)
    expect(session.formation.groups).toBe(3)
    // With 6 of 24 away three groups of 8 have 18 for their minima of 6: one of them has enough, in most draws not all.
    const run = await runSums({ sites: 24, rules, away: [0, 1, 2, 3, 4, 5], assembly: 1, rounds: 3 })
    expect(wrongRounds(run)).toEqual([])
    const rounds = run.entries.filter((entry) => entry.type === 'round')
    expect(rounds.length).toBe(3)
    expect(rounds.some(({ participants }) => participants.length < 18)).toBe(true)
    for (const { participants, absent } of rounds) expect(participants.length + absent.length).toBe(24)
  })
})

describe('a round of different machines', () => {
  test('sums exactly where sites use node:crypto, WebCrypto and plain JavaScript side by side', async () => {
    const providers = [nodeProvider, platformProvider(), pureProvider]
    const providerOf = (index: number) => providers[index % 3]
    const lastSteps: Step[] = [...Array<Step>(6).fill('reveal'), 'upload']
    const vectors = lastSteps.map((_, i) => Int32Array.of(2 ** 20 * i, -i))
    const sum = await secureRound(await cohortOf(7, { providerOf }), vectors, lastSteps)
    expect([...sum]).toEqual([2 ** 20 * 21, -21])
    const run = await runSums({ sites: 4, rounds: 2, providerOf })
    expect(wrongRounds(run)).toEqual([])
    expect(run.result.state.rounds.map(({ survivors }) => survivors)).toEqual([4, 4])
  })
})
