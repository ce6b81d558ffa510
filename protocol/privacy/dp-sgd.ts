/**
 * Noise in the site's own training, step by step: what leaves a site is private already, whoever sees it, even without
 * the secure sum. Abadi et al. 2016, "Deep Learning with Differential Privacy". It trusts nobody and costs the most
 * noise: every site adds all of it.
 */

import * as z from 'zod'
import type { Lane } from '../algorithm.ts'
import { InputError } from '../errors.ts'
import { rdpEpsilon } from './accountants/rdp.ts'
import { bounded } from './bounded.ts'
import type { PrivacyEvent } from './event.ts'
import { type Mechanism, mechanismEntry } from './mechanism.ts'
import { noNoise } from './none.ts'
import { type Claim, checkPromise, noiseFor, promiseOptions } from './promise.ts'

const options = z.strictObject({
  ...promiseOptions,
  unit: z.enum(['record', 'patient']),
  /** Each record or patient of a site takes part in a step with this probability. */
  rate: z.number().positive().max(1),
  /** Passes over a site's rows in a round, of ceil(1 / rate) steps each. */
  epochs: z.int().min(1).max(1000).default(1),
})

export const dpSgd = mechanismEntry(options, (chosen, { sites, releases }): Mechanism => {
  const { unit, population, clip, rate, epochs, delta } = chosen
  checkPromise(chosen, unit)
  const steps = epochs * Math.ceil(1 / rate)
  const whole = (noise: number): PrivacyEvent => gaussianSteps(noise, rate, releases * steps)
  const noiseMultiplier = noiseFor(chosen, whole)
  const epsilon = rdpEpsilon([whole(noiseMultiplier)], delta)
  const claim: Claim = { mechanism: 'dp-sgd', unit, noiseMultiplier, epsilon, delta }
  return {
    unit,
    discipline: { unit, population, clip, rate, sites, local: { noiseMultiplier, epochs } },
    protect: (algorithm) =>
      bounded(algorithm, {
        request: (request) => {
          for (const lane of request.lanes) checkPrivate(lane)
          if (request.noisySteps !== steps) throw new Error(`${request.noisySteps} private steps, not ${steps}`)
          return request
        },
        contribution: (lanes) => lanes,
        claim,
      }),
    noiseShare: noNoise,
    noiseSum: noNoise,
    charge: () => [gaussianSteps(noiseMultiplier, rate, steps)],
    whole: [whole(noiseMultiplier)],
  }
})

const gaussianSteps = (noiseMultiplier: number, rate: number, count: number): PrivacyEvent => ({
  ...{ type: 'gaussian', noiseMultiplier, count },
  sampling: rate === 1 ? { type: 'all' } : { type: 'poisson', rate },
})

/** @throws InputError ERR_PLAN where something would leave that is not private already. */
function checkPrivate(lane: Lane): void {
  if (lane.perRecord === 0) return
  throw new InputError('ERR_PLAN', `the algorithm does not train with private steps ("${lane.name}")`, 'privacy.name')
}
