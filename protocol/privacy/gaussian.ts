/**
 * Central noise: the coordinator adds it to the unmasked sum before anybody else sees it. Dwork and Roth 2014, section
 * 3.5.3. It is the least noise there is for a promise, and the promise rests on the coordinator: it sees the sum without
 * noise, though no site's part in it, and the sites cannot check that it added any.
 */

import type { RingVector } from '../crypto/provider.ts'
import type { Random } from '../random.ts'
import { type LaneNoise, lanesOfNoise } from './additive.ts'
import { type Mechanism, mechanismEntry } from './mechanism.ts'
import { noisySum, noisySumOptions } from './noisy-sum.ts'
import { noNoise } from './none.ts'
import { secretNormals } from './secret-normals.ts'

export const gaussian = mechanismEntry(noisySumOptions, (options, cohort): Mechanism => {
  const { setting, ...walls } = noisySum(options, cohort, {
    mechanism: 'gaussian',
    shares: () => ({ noises: 1, unknown: 1 }),
    costOf: (noiseMultiplier, rate, count) => ({ type: 'gaussian', noiseMultiplier, sampling: sampling(rate), count }),
  })
  return {
    ...walls,
    noiseShare: noNoise,
    noiseSum: (sum, request, random) => {
      for (const lane of lanesOfNoise(request, setting)) addRounded(sum, lane, random)
    },
    charge: (request) => {
      // Lanes released together: the squares of what each reveals add up.
      const revealed = lanesOfNoise(request, setting).reduce(
        (sum, lane) => sum + (lane.sensitivity / lane.sigma) ** 2,
        0,
      )
      if (revealed === 0) return []
      const noiseMultiplier = 1 / Math.sqrt(revealed)
      return [{ type: 'gaussian', noiseMultiplier, sampling: sampling(request.rate ?? 1), count: 1 }]
    },
  }
})

const sampling = (rate: number) => (rate === 1 ? { type: 'all' as const } : { type: 'poisson' as const, rate })

/** The sum is whole, so rounding the noise is rounding the noisy sum: nothing finer than the ring leaves. */
function addRounded(sum: RingVector, { start, length, sigma }: LaneNoise, random: Random): void {
  const normal = secretNormals(random)
  for (let i = start; i < start + length; i++) {
    const noise = Math.round(sigma * normal())
    if (sum instanceof Int32Array) sum[i] = (sum[i] + noise) | 0
    else sum[i] += BigInt(noise)
  }
}
