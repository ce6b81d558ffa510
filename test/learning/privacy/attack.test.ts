/**
 * A membership attack on the whole path of a private round: a canary at the clipping norm is there, or it is not. What
 * the attack proves stays under what the plan claims; without the noise it is above. Jagielski, Ullman and Oprea 2020.
 */

import { expect, test } from 'vitest'
import type { Site } from '../../../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../../../learning/computation.ts'
import { joinTables, type Table } from '../../../learning/data/table.ts'
import type { Lanes } from '../../../protocol/algorithm.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import { Stream } from '../../../protocol/stream.ts'
import { decode, encode } from '../../../protocol/vector/encoding.ts'
import { clopperPearson, seededRandom } from '../../support/noise.ts'
import { siteOf, threeSites } from '../algorithms/plans.ts'
import { schema, tableOf } from '../data/tables.ts'

const delta = 1e-4
const claimed = 2
const planWith = (promise: Record<string, number>) =>
  parsePlan(
    {
      ...{ concordat: 1, name: 'canary', algorithm: { name: 'fed-sgd' }, model: { name: 'logistic' }, data: schema },
      ...{ rounds: 1, evaluation: { holdout: 0 } },
      privacy: { name: 'discrete-gaussian', unit: 'record', population: 130, clip: 0.5, delta, ...promise },
    },
    planMenus,
  )
const runs = 1500

/** Two of the three sites' shares: the third may be the attacker. */
const unknownShares = 2

test('what a membership attack proves is below the claim; without noise, or with too little, it is above it', async () => {
  const { algorithm, cost, noiseShare } = computationOf(planWith({ epsilon: claimed }), 3)
  const state = algorithm.init()
  const request = algorithm.request(state)
  if (request === undefined) throw new Error('no request')
  expect(rdpEpsilon(cost(request), delta)).toBeLessThanOrEqual(claimed)

  const contributions = (table: Table): Promise<Lanes[]> =>
    Promise.all(
      [...threeSites.slice(0, 2), siteOf('west', 9, 3)].map((site, i): Promise<Lanes> => {
        const seen: Site = { ...site, table: i === 2 ? table : site.table, random: seededRandom(site.name) }
        return algorithm.contribute(state, request, seen, 1)
      }),
    )
  const canary = tableOf([[30, 0, 1000, 0]])
  const away = await contributions(siteOf('west', 9, 3).table)
  const there = await contributions(joinTables([siteOf('west', 9, 3).table, canary]))
  const direction = Float64Array.from(there[2].gradient, (value, i) => value - away[2].gradient[i])
  expect(Math.hypot(...direction)).toBeCloseTo(0.5, 4)

  const random = seededRandom('attack')
  type Noise = typeof noiseShare
  const scoreOf = (lanes: readonly Lanes[], run: number, noise: Noise): number => {
    const coins = new Stream(`run ${run}`)
    const sum = lanes.map((each) => encode(each, request, { sites: 3, coins })).reduce(addInto)
    for (let share = 0; share < unknownShares; share++) noise(sum, request, random)
    const { gradient } = decode(sum, request, 3)
    return direction.reduce((dot, value, i) => dot + value * gradient[i], 0)
  }
  const bound = (noise: Noise): number => {
    const scores = [away, there].map((lanes) => Array.from({ length: runs }, (_, run) => scoreOf(lanes, run, noise)))
    return provenEpsilon(scores[0], scores[1])
  }
  const proven = bound(noiseShare)
  expect(proven).toBeLessThan(claimed)
  // The attack is not blind: it proves something, and too little noise does not escape it.
  expect(proven).toBeGreaterThan(0.1)
  expect(bound(() => {})).toBeGreaterThan(claimed)
  const mistaken = computationOf(planWith({ noiseMultiplier: 0.3 }), 3)
  expect(bound((vector, _, secret) => mistaken.noiseShare(vector, request, secret))).toBeGreaterThan(claimed)
})

/** The best threshold is chosen on half of the runs and judged on the other half, with 95 % confidence. */
function provenEpsilon(away: readonly number[], there: readonly number[]): number {
  const half = away.length / 2
  const above = (scores: readonly number[], threshold: number): number => scores.filter((s) => s > threshold).length
  const candidates = [...away.slice(0, half), ...there.slice(0, half)].sort((a, b) => a - b)
  const rate = (threshold: number, scores: readonly number[]) => clopperPearson(above(scores, threshold), half)
  const epsilonAt = (threshold: number, part: (scores: readonly number[]) => readonly number[]): number => {
    const [hits, alarms] = [rate(threshold, part(there)), rate(threshold, part(away))]
    return Math.log(Math.max(1e-9, hits.low - delta) / alarms.high)
  }
  const train = (scores: readonly number[]) => scores.slice(0, half)
  let best = candidates[0]
  for (let i = 0; i < candidates.length; i += 10) {
    if (epsilonAt(candidates[i], train) > epsilonAt(best, train)) best = candidates[i]
  }
  return epsilonAt(best, (scores) => scores.slice(half))
}

function addInto<Vector extends Int32Array | BigInt64Array>(sum: Vector, more: Vector): Vector {
  for (let i = 0; i < sum.length; i++) {
    if (sum instanceof Int32Array && more instanceof Int32Array) sum[i] += more[i]
  }
  return sum
}
