/** From a plan to the computation every party runs: the menus a plan can name, and the algorithm inside its privacy mechanism. */

import type { Algorithm, SumRequest } from '../protocol/algorithm.ts'
import type { RingVector } from '../protocol/crypto/provider.ts'
import { InputError } from '../protocol/errors.ts'
import type { Plan, PlanMenus } from '../protocol/plan.ts'
import type { PrivacyEvent } from '../protocol/privacy/event.ts'
import { mechanisms } from '../protocol/privacy/index.ts'
import type { Unit } from '../protocol/privacy/mechanism.ts'
import type { Random } from '../protocol/random.ts'
import { type SiteSampling, usualSites } from '../protocol/sampling.ts'
import { type Formation, formationOf, honestNoise } from '../protocol/secagg/formation.ts'
import { algorithms } from './algorithms/index.ts'
import type { Site } from './algorithms/site.ts'
import { models } from './models/index.ts'

const optionsOf = <Entry extends { readonly options: PlanMenus['model'][string] }>(
  menu: Readonly<Record<string, Entry>>,
): PlanMenus['model'] => Object.fromEntries(Object.entries(menu).map(([name, { options }]) => [name, options]))

export const planMenus: PlanMenus = {
  algorithm: optionsOf(algorithms),
  model: optionsOf(models),
  mechanism: optionsOf(mechanisms),
}

export interface Computation {
  readonly algorithm: Algorithm<unknown, Site>
  /** The site's share of the plan's noise, added to the encoded vector in place; nothing under `none`. */
  readonly noiseShare: (vector: RingVector, request: SumRequest, random: Random) => void
  /** Central noise, added to the unmasked sum in place before it is published; nothing under `none`. */
  readonly noiseSum: (sum: RingVector, request: SumRequest, random: Random) => void
  /** Whose presence the plan's noise hides; `undefined` under `none` and `clip`. */
  readonly unit: Unit | undefined
  /** What answering a request costs one of them. */
  readonly cost: (request: SumRequest) => readonly PrivacyEvent[]
  /** What the whole plan costs one of them, each round tried once. */
  readonly whole: readonly PrivacyEvent[]
}

/**
 * `simulated` lets an algorithm run that hides no site from the coordinator.
 * @throws InputError ERR_PLAN, ERR_QUORUM, ERR_HONEST_MINIMUM where the plan does not fit together or `sites` are too few for it.
 */
export function computationOf(plan: Plan, sites: number, { simulated = false } = {}): Computation {
  if (algorithms[plan.algorithm.name].order !== undefined && !simulated) {
    const message = `"${plan.algorithm.name}" shows the coordinator one site at a time; it runs in a simulation only`
    throw new InputError('ERR_PLAN', message, 'algorithm.name')
  }
  if (plan.sampling !== undefined && !simulated) checkSampling(plan.sampling, formationOf(sites, plan), sites)
  const honest = honestNoise(sites, plan)
  const mechanism = mechanisms[plan.privacy.name].create(plan.privacy, { sites, honest, releases: plan.rounds })
  if (plan.sampling !== undefined && mechanism.unit !== undefined) {
    throw new InputError('ERR_PLAN', 'noise is sized for rounds of all sites: expected none', 'sampling')
  }
  const algorithm = mechanism.protect(algorithms[plan.algorithm.name].create(plan, mechanism.discipline))
  // What does not fit together shows in the first request, before any site is asked for it.
  algorithm.request(algorithm.init())
  return {
    algorithm,
    noiseShare: (vector, request, random) => mechanism.noiseShare(vector, request, random),
    noiseSum: (sum, request, random) => mechanism.noiseSum(sum, request, random),
    unit: mechanism.unit,
    cost: (request) => mechanism.charge(request),
    whole: mechanism.whole,
  }
}

/** Thresholds are over the roster, so that no choice of a cohort can lower them: a round cannot ask fewer sites than they need. */
function checkSampling(sampling: SiteSampling, { needed, groups }: Formation, sites: number): void {
  const where = `sampling.${Object.keys(sampling)[0]}`
  const sampled = usualSites(sampling, sites)
  if (sampled < needed)
    throw new InputError(
      'ERR_PLAN',
      `a secure sum over a roster of ${sites} needs ${needed} sites; found ${sampled}`,
      where,
    )
  if (groups > 1)
    throw new InputError('ERR_PLAN', 'sites that sum in groups are all asked; leave sampling out, or simulate', where)
}
