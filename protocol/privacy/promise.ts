/** What a plan promises with noise: whose presence it hides and how well, by the noise itself or by an epsilon to keep. */

import * as z from 'zod'
import { InputError } from '../errors.ts'
import type { Choice } from '../plan.ts'
import { leastNoise } from './accountants/calibrate.ts'
import { rdpEpsilon } from './accountants/rdp.ts'
import type { PrivacyEvent } from './event.ts'
import { type Unit, units } from './mechanism.ts'

/** The fields that every mechanism with noise takes up into its options. */
export const promiseOptions = {
  /**
   * How many records, patients or sites there are at all sites together, as everybody may know: the denominator of
   * every mean. It need not be exact.
   */
  population: z.int().min(1).max(1e12),
  /** The largest Euclidean norm of what one of them adds. */
  clip: z.number().positive().max(1e9).optional(),
  /** The most the whole plan may cost; the noise follows from it. */
  epsilon: z.number().positive().max(1000).optional(),
  /** The noise itself instead: its standard deviation over what one of them can move. */
  noiseMultiplier: z.number().positive().max(1e6).optional(),
  /** Chance that epsilon does not hold: well below 1 / population. */
  delta: z.number().positive().max(0.1),
}

export interface Promised {
  readonly population: number
  readonly epsilon?: number | undefined
  readonly noiseMultiplier?: number | undefined
  readonly delta: number
}

/** @throws InputError ERR_PLAN where the numbers promise nothing or contradict each other. */
export function checkPromise({ population, epsilon, noiseMultiplier, delta }: Promised, unit: Unit): void {
  if ((epsilon === undefined) === (noiseMultiplier === undefined)) {
    const found = epsilon === undefined ? 'neither' : 'both'
    throw new InputError('ERR_PLAN', `expected epsilon or noiseMultiplier, found ${found}`, 'privacy.epsilon')
  }
  // With delta = 1 / n a mechanism that publishes one record in full keeps the promise.
  if (unit !== 'site' && delta >= 1 / population) {
    throw new InputError(
      'ERR_PLAN',
      `expected less than 1 / population = ${1 / population}, found ${delta}`,
      'privacy.delta',
    )
  }
}

/** The noise multiplier: as given, or the least that keeps epsilon over `costOf` of the whole plan. */
export function noiseFor(
  { epsilon, noiseMultiplier, delta }: Promised,
  costOf: (noise: number) => PrivacyEvent,
): number {
  if (noiseMultiplier !== undefined) return noiseMultiplier
  return leastNoise(epsilon ?? Number.POSITIVE_INFINITY, (noise) => rdpEpsilon([costOf(noise)], delta))
}

/** At which epsilon is told where a plan promises none. */
export const usualDelta = 1e-5

/** The plan's own delta, where its mechanism promises something. */
export const deltaOf = ({ delta }: Choice): number => (typeof delta === 'number' ? delta : usualDelta)

/** What a result says of itself. */
export const claimSchema = z.strictObject({
  mechanism: z.string(),
  unit: z.enum(units),
  noiseMultiplier: z.number(),
  /** Over the whole plan, each round tried once; by the Rényi accountant. */
  epsilon: z.number(),
  delta: z.number(),
})

export type Claim = z.infer<typeof claimSchema>
