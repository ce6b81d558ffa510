/** Sites of a round: a number, a share, or a binomial number of them; the same for everybody who has the plan. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { samplingSchema, sitesOfRound, usualSites } from '../../protocol/sampling.ts'

test('a number is taken as it is, a share is rounded up to whole sites', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0.001, max: 1, noNaN: true }), (roster, share) => {
      const drawn = sitesOfRound({ share }, { roster, seed: 1, round: 3 })
      expect(drawn).toBeGreaterThanOrEqual(share * roster)
      expect(drawn).toBeLessThan(share * roster + 1)
      expect(sitesOfRound({ sites: 7 }, { roster, seed: 1, round: 3 })).toBe(7)
    }),
    { seed: 11, numRuns: 100 },
  )
})

test('under Poisson sampling the number of sites has the mean and the variance of the binomial distribution', () => {
  const [roster, poisson, rounds] = [40, 0.3, 4000]
  const counts = Array.from({ length: rounds }, (_, round) => sitesOfRound({ poisson }, { roster, seed: 5, round }))
  const mean = counts.reduce((sum, count) => sum + count, 0) / rounds
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / rounds
  // Six standard errors: sqrt(8.4 / 4000) of the mean, about sqrt(2 / 4000) of the variance.
  expect(Math.abs(mean - roster * poisson)).toBeLessThan(6 * 0.046)
  expect(Math.abs(variance / (roster * poisson * (1 - poisson)) - 1)).toBeLessThan(6 * 0.0224)
  expect(usualSites({ poisson }, roster)).toBe(12)
})

test('the draw follows from seed and round alone', () => {
  const draw = (seed: number, round: number): number => sitesOfRound({ poisson: 0.5 }, { roster: 1000, seed, round })
  expect(draw(1, 2)).toBe(draw(1, 2))
  expect(new Set([draw(1, 2), draw(1, 3), draw(2, 2), draw(2, 3)]).size).toBeGreaterThan(1)
})

test('a plan says exactly one of them', () => {
  for (const wrong of [{}, { sites: 3, share: 0.5 }, { poisson: 0 }, { share: 1.5 }, { sites: 0 }])
    expect(samplingSchema.safeParse(wrong).success).toBe(false)
})
