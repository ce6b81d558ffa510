/** What mechanisms with noise on the sum have in common: options, calibration, and the algorithm inside its walls. */

import * as z from 'zod'
import type { Lanes, SumRequest } from '../algorithm.ts'
import { InputError } from '../errors.ts'
import { rdpEpsilon } from './accountants/rdp.ts'
import { adaptationOf, adaptivelyClipped, adaptiveOptions } from './adaptive-clip.ts'
import { type NoiseSetting, withRoom } from './additive.ts'
import { bounded } from './bounded.ts'
import { clipLanes, clipRequest } from './clip.ts'
import type { PrivacyEvent } from './event.ts'
import { type Cohort, type Discipline, type Mechanism, units } from './mechanism.ts'
import { type Claim, checkPromise, noiseFor, promiseOptions } from './promise.ts'

export const noisySumOptions = z.strictObject({
  ...promiseOptions,
  /** Whose presence the noise hides. */
  unit: z.enum(units),
  /** Each record or patient takes part in a round with this probability, independently and secretly; 1 for all. */
  rate: z.number().positive().max(1).default(1),
  /** Sites' updates are clipped to a norm that starts at `clip` and follows theirs; absent: to `clip`. */
  adaptive: adaptiveOptions.optional(),
})

export type NoisySumOptions = z.infer<typeof noisySumOptions>

/** How the two kinds of noise differ. */
export interface NoiseKind {
  readonly mechanism: string
  /** Noises in the sum, and those of them that an observer does not know. */
  readonly shares: (cohort: Cohort) => Pick<NoiseSetting, 'noises' | 'unknown'>
  /** The cost of a whole plan with this noise, for calibration: an upper bound of what is charged. */
  readonly costOf: (noise: number, rate: number, releases: number) => PrivacyEvent
}

export interface NoisySum extends Pick<Mechanism, 'unit' | 'discipline' | 'protect' | 'whole'> {
  readonly setting: NoiseSetting
}

/** @throws InputError ERR_PLAN where the options contradict each other. */
export function noisySum(options: NoisySumOptions, cohort: Cohort, kind: NoiseKind): NoisySum {
  const { unit, population, clip, rate, delta, adaptive } = options
  checkPromise(options, unit)
  if (unit === 'site' && rate < 1) {
    throw new InputError('ERR_PLAN', 'sites are not drawn in secret, so noise is not saved: expected 1', 'privacy.rate')
  }
  if (unit === 'site' && clip === undefined) {
    throw new InputError('ERR_PLAN', "expected the largest norm of a site's update", 'privacy.clip')
  }
  const whole = (noise: number): PrivacyEvent => kind.costOf(noise, rate, cohort.releases)
  const noiseMultiplier = noiseFor(options, whole)
  const setting: NoiseSetting = { unit, noiseMultiplier, sites: cohort.sites, ...kind.shares(cohort) }
  const discipline: Discipline = { unit, population, clip, rate, sites: cohort.sites }
  const epsilon = rdpEpsilon([whole(noiseMultiplier)], delta)
  const claim: Claim = { mechanism: kind.mechanism, unit, noiseMultiplier, epsilon, delta }
  const adaptation = adaptive && adaptationOf(adaptive, options, noiseMultiplier)
  const fixedClip = unit === 'site' && adaptation === undefined ? clip : undefined
  return {
    unit,
    discipline,
    setting,
    whole: [whole(noiseMultiplier)],
    protect: (algorithm) =>
      bounded(adaptation === undefined ? algorithm : adaptivelyClipped(algorithm, adaptation), {
        request: (request) => {
          if ((request.rate ?? 1) !== rate) {
            throw new InputError(
              'ERR_PLAN',
              'the algorithm takes every record in every round: expected 1',
              'privacy.rate',
            )
          }
          return withRoom(fixedClip === undefined ? request : clipRequest(request, fixedClip), setting)
        },
        contribution: (lanes: Lanes, request: SumRequest) => (unit === 'site' ? clipLanes(lanes, request) : lanes),
        claim,
      }),
  }
}
