/**
 * Distributed noise: every site adds a share of it before masking, so that nobody ever sees a sum without noise.
 * Kairouz, Liu and Steinke 2021, "The Distributed Discrete Gaussian Mechanism". The shares are sized for the honest
 * survivors of the threshold, not for the cohort: a drop-out or a curious site never makes the noise too small.
 */

import { lanesOfNoise } from './additive.ts'
import { addDiscreteGaussian } from './discrete-gaussian-sampler.ts'
import { type Mechanism, mechanismEntry } from './mechanism.ts'
import { noisySum, noisySumOptions } from './noisy-sum.ts'
import { noNoise } from './none.ts'

export const discreteGaussian = mechanismEntry(noisySumOptions, (options, cohort): Mechanism => {
  const { setting, ...walls } = noisySum(options, cohort, {
    mechanism: 'discrete-gaussian',
    shares: ({ sites, honest }) => ({ noises: sites, unknown: honest }),
    costOf: (noise, rate, count) => ({
      ...{ type: 'discrete-gaussian', rate, count },
      parts: [{ shares: 1, deviation: noise, l2: 1, l1: 1, dimension: 1 }],
    }),
  })
  return {
    ...walls,
    noiseShare: (vector, request, random) => {
      for (const lane of lanesOfNoise(request, setting)) addDiscreteGaussian(vector, lane, random)
    },
    noiseSum: noNoise,
    charge: (request) => {
      const parts = lanesOfNoise(request, setting).map(({ length, sigma, sensitivity }) => ({
        ...{ shares: setting.unknown, deviation: sigma, dimension: length },
        ...{ l2: sensitivity, l1: Math.sqrt(length) * sensitivity },
      }))
      return parts.length === 0 ? [] : [{ type: 'discrete-gaussian', parts, rate: request.rate ?? 1, count: 1 }]
    },
  }
})
