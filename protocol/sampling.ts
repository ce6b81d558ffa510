/** How many sites a training round draws: a fixed number, a share of the roster, or each by itself (Poisson sampling). */

import * as z from 'zod'
import { Stream } from './stream.ts'

export const samplingSchema = z
  .strictObject({
    /** Sites of a training round. */
    sites: z.int().min(1).max(100_000).optional(),
    /** Share of the roster, rounded up to whole sites. */
    share: z.number().positive().max(1).optional(),
    /** Each site takes part with this probability, independently of the others. */
    poisson: z.number().positive().max(1).optional(),
  })
  .refine((chosen) => Object.values(chosen).filter((value) => value !== undefined).length === 1, {
    message: 'expected one of sites, share, poisson',
  })

export type SiteSampling = z.infer<typeof samplingSchema>

/** Sites of a round on the average: for what must fit, or be worth its while. */
export function usualSites({ sites, share, poisson }: SiteSampling, roster: number): number {
  return sites ?? Math.max(1, Math.ceil((share ?? poisson ?? 1) * roster))
}

/**
 * How many of `roster` sites a round draws. Under Poisson sampling their number is binomial; which ones they are is then
 * drawn like any fixed number of them: given its size, a Poisson sample is a uniform one.
 */
export function sitesOfRound(
  sampling: SiteSampling,
  { roster, seed, round }: { readonly roster: number; readonly seed: number; readonly round: number },
): number {
  if (sampling.poisson === undefined) return usualSites(sampling, roster)
  const stream = new Stream(`${seed}/cohort-size/${round}`)
  let drawn = 0
  for (let site = 0; site < roster; site++) if (stream.uniform() < sampling.poisson) drawn++
  return drawn
}
