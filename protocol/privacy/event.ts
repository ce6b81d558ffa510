/** Privacy events: what a release was, so that any accountant can say later what it cost. */

import * as z from 'zod'

const deviation = z.number().positive()
const count = z.int().min(1)

/** How the records of one release were drawn. What was shuffled is not Poisson, and is not accounted as if it were. */
export const samplingSchema = z.discriminatedUnion('type', [
  /** Every record takes part. */
  z.strictObject({ type: z.literal('all') }),
  /** Each record takes part with probability `rate`, independently. */
  z.strictObject({ type: z.literal('poisson'), rate: z.number().positive().max(1) }),
  /** Exactly `batch` of `population` records, drawn without replacement; one person more is one replaced, which moves twice as far. */
  z
    .strictObject({ type: z.literal('fixed-size'), population: z.int().min(1), batch: z.int().min(1) })
    .refine(({ population, batch }) => batch <= population, { message: 'expected batch <= population' }),
])

export type Sampling = z.infer<typeof samplingSchema>

/** One lane of a distributed sum: `shares` independent integer noises of standard deviation `deviation` each. */
const discretePart = z.strictObject({
  shares: z.int().min(1),
  deviation,
  /** How far one person can move the lane, in the same integer units: Euclidean and sum of magnitudes. */
  l2: z.number().min(0),
  l1: z.number().min(0),
  dimension: z.int().min(1),
})

export type DiscretePart = z.infer<typeof discretePart>

export const eventSchema = z.discriminatedUnion('type', [
  /** Released without noise: nothing bounds what it tells of a person. */
  z.strictObject({ type: z.literal('unprotected'), count }),
  /** Gaussian noise with standard deviation `noiseMultiplier` times what one person can move. */
  z.strictObject({ type: z.literal('gaussian'), noiseMultiplier: deviation, sampling: samplingSchema, count }),
  /** Sums of discrete Gaussians, released together. `rate` is the Poisson sampling rate, 1 when all records take part. */
  z.strictObject({
    type: z.literal('discrete-gaussian'),
    parts: z.array(discretePart).min(1).max(1000),
    rate: z.number().positive().max(1),
    count,
  }),
  /** Anything that is `rho`-zero-concentrated differentially private. */
  z.strictObject({ type: z.literal('zcdp'), rho: z.number().min(0), count }),
])

export type PrivacyEvent = z.infer<typeof eventSchema>
