import { afterAll, describe, expect, test } from 'vitest'
import type { Site } from '../../learning/algorithms/site.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { toHex } from '../../protocol/bytes.ts'
import type { Plan } from '../../protocol/plan.ts'
import { federate } from '../../simulations/federation.ts'
import { conduct } from '../../simulations/runner/conduct.ts'
import { openPool } from '../../simulations/runner/pool.ts'
import { populationOf } from '../../simulations/runner/population.ts'
import { synchronous } from '../../simulations/runner/schedule.ts'
import { planOf, siteOf } from '../learning/algorithms/plans.ts'

const sites: readonly Site[] = Array.from({ length: 7 }, (_, i) => ({
  ...siteOf(`s${i}`, 20 + 7 * i, i - 3),
  trainer: chooseTrainer(),
}))
const population = populationOf(sites)
const pools = { 'the calling thread': openPool(0), 'one worker': openPool(1), 'three workers': openPool(3) }
afterAll(async () => {
  for (const pool of Object.values(pools)) await pool.close()
})

const model = { name: 'mlp', hidden: [8], norm: 'layer' }
const plans: Readonly<Record<string, Plan>> = {
  'fed-avg': planOf({ name: 'fed-avg' }, { model, rounds: 3 }),
  'fed-avg on 16 bits': planOf({ name: 'fed-avg' }, { model, rounds: 2, encoding: { bits: 16 } }),
  'fed-avg with half of the coordinates': planOf({ name: 'fed-avg', compression: { keep: 0.5 } }, { model, rounds: 4 }),
  scaffold: planOf({ name: 'scaffold' }, { model, rounds: 4 }),
  'fed-rep': planOf({ name: 'fed-rep' }, { model, rounds: 3 }),
  statistics: planOf({ name: 'statistics' }, { model: undefined }),
}

async function simulated(plan: Plan, pool: keyof typeof pools): Promise<string> {
  const schedule = synchronous({ sites: 7, sampling: undefined, needed: 3, seed: plan.seed, fate: undefined })
  return (await conduct({ plan, population }, { pool: pools[pool], schedule, report: () => {} })).stateHash
}

describe.each(Object.keys(plans))('%s', (name) => {
  const deployed = federate(plans[name], sites, () => {}).then(({ stateHash }) => toHex(stateHash))

  test.each(['the calling thread', 'one worker', 'three workers'] as const)(
    'without masks on %s ends bit for bit as deployed participants with masks do',
    async (pool) => {
      expect(await simulated(plans[name], pool)).toBe(await deployed)
    },
  )
})
