/** The mechanism port: one layer of the privacy onion around the sum. `none` is a mechanism too. */

import type * as z from 'zod'
import type { Algorithm, SumRequest } from '../algorithm.ts'
import type { RingVector } from '../crypto/provider.ts'
import type { Choice } from '../plan.ts'
import type { Random } from '../random.ts'
import type { PrivacyEvent } from './event.ts'

/** Whose presence the noise can hide, from the narrowest on: what holds for a later unit holds for an earlier one. */
export const units = ['record', 'patient', 'site'] as const

export type Unit = (typeof units)[number]

/** How many stand behind a sum, and how often sums are released. */
export interface Cohort {
  /** Sites in the roster. */
  readonly sites: number
  /** Fewest sites whose noise an observer does not know, in any sum that can be revealed (`honestShares`). */
  readonly honest: number
  /** Rounds of the plan: each releases one sum. */
  readonly releases: number
}

/** What a mechanism asks of an algorithm, so that one person's part in a sum is bounded and everything else is public. */
export interface Discipline {
  readonly unit: Unit
  /** Records, patients or sites at all sites together, as the plan says: the fixed denominator of every mean. */
  readonly population: number
  /** Sites in the roster. */
  readonly sites: number
  /** The largest norm of what one of them adds; absent where the schema's ranges bound it. */
  readonly clip: number | undefined
  /** Each takes part in a step with this probability, independently. */
  readonly rate: number
  /** Noise that the site adds in its own training, step by step. */
  readonly local?: LocalNoise
}

/** DP-SGD at the site; an epoch has ceil(1 / rate) steps. */
export interface LocalNoise {
  readonly noiseMultiplier: number
  readonly epochs: number
}

export interface Mechanism {
  /** Whose presence is hidden; `undefined` where nobody's is. */
  readonly unit: Unit | undefined
  /** Handed to the algorithm when it is made; `undefined` where nothing is asked. */
  readonly discipline: Discipline | undefined
  /**
   * The algorithm as it runs under this mechanism. Its requests fix the sensitivity and leave room for noise; its
   * contributions keep what the request promises. Every party runs this algorithm, so all agree on both.
   */
  protect<Site>(algorithm: Algorithm<unknown, Site>): Algorithm<unknown, Site>
  /** At the site, after encoding and before masking: adds the site's share of the noise, in place, modulo the ring. */
  noiseShare(vector: RingVector, request: SumRequest, random: Random): void
  /** At the coordinator, on the unmasked sum before anything is decoded or published: central noise, in place. */
  noiseSum(sum: RingVector, request: SumRequest, random: Random): void
  /** What answering a request of the protected algorithm costs one of the unit, whether or not the round completes. */
  charge(request: SumRequest): readonly PrivacyEvent[]
  /** What the whole plan costs one of them, each round tried once: never less than its charges add up to. */
  readonly whole: readonly PrivacyEvent[]
}

/** An entry of the menu: the options a plan may give, and the mechanism they lead to. */
export interface MechanismEntry {
  readonly options: z.ZodType
  /** @throws InputError ERR_PLAN where the options contradict each other or the cohort. */
  create(privacy: Choice, cohort: Cohort): Mechanism
}

/** Binds the options' type to the mechanism, so that a menu can hold mechanisms with different options. */
export function mechanismEntry<Options extends z.ZodType>(
  options: Options,
  create: (options: z.infer<Options>, cohort: Cohort) => Mechanism,
): MechanismEntry {
  return {
    options,
    create({ name: _, ...given }, cohort) {
      return create(options.parse(given), cohort)
    },
  }
}
