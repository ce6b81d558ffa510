import { expect, test } from 'vitest'
import type { Lanes } from '../../protocol/algorithm.ts'
import { Scores, scoreRound } from '../../simulations/scores.ts'

const request = {
  ...{ purpose: '', bits: 32 as const },
  lanes: ['update', 'weight'].map((name) => ({ name, length: 1, bound: 100, kind: 'real' as const })),
}
const groups = [3, 1, 0].map((value, site) => ({
  sites: [site],
  lanes: { update: Float64Array.of(value), weight: Float64Array.of(1) },
}))
const settings = { permutations: 400, tolerance: 0, every: 1 }

test('what is worth the sum of its parts gives each its part, by both scores', async () => {
  const worth = async (sum: Lanes): Promise<number> => sum.update[0]
  const { leaveOneOut, gains } = await scoreRound({ groups, request, round: 0 }, worth, { settings, seed: 1 })
  expect(leaveOneOut).toEqual([3, 1, 0])
  for (const [i, part] of [3, 1, 0].entries()) expect(new Set(gains[i])).toEqual(new Set([part]))
})

test('two that bring the same share what one would have: Shapley sees it, leave-one-out does not', async () => {
  // Worth 1 as soon as either of the first two is there; the exact values are 1/2, 1/2 and 0.
  const worth = async (sum: Lanes): Promise<number> => Math.min(1, sum.update[0])
  const scores = new Scores(3, settings, 1)
  await scores.watch({ groups, request, round: 0, state: undefined }, worth)
  const found = scores.result()
  expect(found.map(({ leaveOneOut }) => leaveOneOut.value)).toEqual([0, 0, 0])
  for (const [i, exact] of [0.5, 0.5, 0].entries()) {
    const { value, low, high } = found[i].shapley
    expect(value).toBeCloseTo(exact, 1)
    expect(low).toBeLessThanOrEqual(exact)
    expect(high).toBeGreaterThanOrEqual(exact)
  }
  expect(found.reduce((sum, { shapley }) => sum + shapley.value, 0)).toBeCloseTo(1, 10)
})

test('an order ends early where nothing is left to gain', async () => {
  let asked = 0
  const worth = async (sum: Lanes): Promise<number> => {
    asked++
    return Math.min(1, sum.update[0])
  }
  const many = Array.from({ length: 12 }, (_, site) => ({ ...groups[0], sites: [site] }))
  await scoreRound({ groups: many, request, round: 0 }, worth, {
    settings: { ...settings, permutations: 3, tolerance: 0.01 },
    seed: 1,
  })
  // All, nobody, all but each of twelve, and one first of each order.
  expect(asked).toBeLessThanOrEqual(2 + 12 + 3)
})

test("a group's score is shared by its sites alike", async () => {
  const worth = async (sum: Lanes): Promise<number> => sum.update[0]
  const scores = new Scores(4, settings, 1)
  const pairs = [
    { ...groups[0], sites: [0, 2] },
    { ...groups[1], sites: [1, 3] },
  ]
  await scores.watch({ groups: pairs, request, round: 0, state: undefined }, worth)
  expect(scores.result().map(({ shapley }) => shapley.value)).toEqual([1.5, 0.5, 1.5, 0.5])
})
