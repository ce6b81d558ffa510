import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import { thresholdsOf } from '../../../protocol/secagg/thresholds.ts'
import { cohortOf, type Step, secureRound, steps } from '../../support/secure-round.ts'

const pattern = fc
  .integer({ min: 3, max: 9 })
  .chain((sites) => fc.array(fc.constantFrom(...steps), { minLength: sites, maxLength: sites }))

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** What the rules of SPEC.md say must come of a pattern, counted without the protocol. */
function expected(lastSteps: readonly Step[]): 'sum' | `ERR_${string}` {
  const { threshold, minimum } = thresholdsOf(lastSteps.length)
  const reached = (step: Step): number => lastSteps.filter((last) => steps.indexOf(last) >= steps.indexOf(step)).length
  if (reached('deposit') < minimum) return 'ERR_COHORT_TOO_SMALL'
  if (reached('upload') < minimum) return 'ERR_TOO_FEW_SURVIVORS'
  if (reached('consistency') < threshold) return 'ERR_CERTIFICATE'
  return reached('reveal') < threshold ? 'ERR_TOO_FEW_SHARES' : 'sum'
}

const outcome = async (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if (error instanceof ProtocolError) return error.code
    throw error
  })

describe('the secure sum', () => {
  test('equals the plain sum modulo 2^32 over whoever uploaded, for any cohort and any drop-outs; below the threshold nothing comes out', async () => {
    await fc.assert(
      fc.asyncProperty(pattern, fc.infiniteStream(int32), async (lastSteps, numbers) => {
        const vectors = lastSteps.map(() => Int32Array.from({ length: 3 }, () => numbers.next().value))
        const sum = new Int32Array(3)
        for (const [i, vector] of vectors.entries()) {
          if (steps.indexOf(lastSteps[i]) >= steps.indexOf('upload')) for (const k of sum.keys()) sum[k] += vector[k]
        }
        const wanted = expected(lastSteps)
        const found = await outcome(secureRound(await cohortOf(lastSteps.length), vectors, lastSteps))
        expect(found).toEqual(wanted === 'sum' ? sum : wanted)
      }),
      { numRuns: 60 },
    )
  })

  test('is exact modulo 2^64 when a quarter of the cohort leaves in different steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(int64), async (numbers) => {
        const lastSteps: Step[] = [...Array<Step>(6).fill('reveal'), 'deposit', 'upload']
        const vectors = lastSteps.map(() => BigInt64Array.from({ length: 2 }, () => numbers.next().value))
        const sum = new BigInt64Array(2)
        for (const [i, vector] of vectors.entries()) if (i !== 6) for (const k of sum.keys()) sum[k] += vector[k]
        expect(await secureRound(await cohortOf(8), vectors, lastSteps)).toEqual(sum)
      }),
      { numRuns: 10 },
    )
  })

  test('needs more than half of the roster and the colluding together, whatever the roster', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 1000 }), (sites) => {
        const { threshold, colluding, minimum } = thresholdsOf(sites)
        expect(2 * threshold).toBeGreaterThan(sites + colluding)
        expect(minimum).toBeGreaterThanOrEqual(threshold)
        expect(minimum).toBeLessThanOrEqual(sites)
      }),
    )
  })
})
