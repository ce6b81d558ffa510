/** What an attacker would have got from this site's update: with the plan's protection, and without any. */

import { InputError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Random } from '../../protocol/random.ts'
import type { Site } from '../algorithms/site.ts'
import { type Inversion, invert } from './inversion.ts'
import { inferMembers, type Membership } from './membership.ts'
import { stageOf } from './rehearsal.ts'

export interface Found {
  readonly inversion: Inversion | undefined
  readonly membership: Membership
}

export interface SelfTest {
  readonly unprotected: Found
  /** `undefined` where the plan protects nobody. */
  readonly protected: Found | undefined
}

export interface SelfTestOptions {
  readonly sites: number
  readonly records: number
  readonly models: number
  readonly rounds: number
  readonly random: Random
  readonly progress: (line: string) => void
}

/** @throws InputError ERR_SELF_TEST where the plan trains no model or there are too few rows. */
export async function selfTest(plan: Plan, site: Site, options: SelfTestOptions): Promise<SelfTest> {
  if (plan.model === undefined)
    throw new InputError('ERR_SELF_TEST', 'expected a plan with a model: there is no update to attack')
  if (site.table.rows < 8) throw new InputError('ERR_SELF_TEST', `expected 8 rows at least, found ${site.table.rows}`)
  const bare = { ...plan, privacy: { name: 'none' } }
  const protects = stage(plan, site, options).computation.unit !== undefined
  return {
    unprotected: await attack(bare, site, options),
    protected: protects ? await attack(plan, site, options) : undefined,
  }
}

async function attack(plan: Plan, site: Site, options: SelfTestOptions): Promise<Found> {
  const { records, models, rounds, progress } = options
  const own = stage(plan, site, options)
  progress(`${plan.privacy.name}: recovering records from updates`)
  const inversion = await invert(own, site, records)
  const trained = (model: number): void => progress(`${plan.privacy.name}: model ${model} of ${models}`)
  return { inversion, membership: await inferMembers(own, site, { models, rounds, trained }) }
}

const stage = (plan: Plan, site: Site, { sites, random }: SelfTestOptions) =>
  stageOf(plan, { rows: site.table.rows, sites, random })
