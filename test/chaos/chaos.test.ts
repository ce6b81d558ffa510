import { expect, test } from 'vitest'
import { chaos } from './chaos.ts'

test('with a fault every round, every round is committed, and equals the same contributions without faults', async () => {
  const rounds = 12
  const result = await chaos({ sites: 5, rounds, seed: 10, progress: () => {} })
  // The plan's rounds, one that fixes the preprocessing and one that evaluates.
  expect(result).toMatchObject({
    committed: rounds + 2,
    replayed: rounds + 2,
    journal: 'holds',
    answeredTwice: 0,
    declined: 0,
  })
  expect(Math.min(result.resumed, result.twice, result.later)).toBeGreaterThan(0)
  expect(result.answers).toBeGreaterThanOrEqual(4 * rounds)
  expect(Object.values(result.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(rounds)
}, 240_000)
