import { expect, test } from 'vitest'
import type { RoundEvent } from '../../../coordinator/events.ts'
import { planMenus } from '../../../learning/computation.ts'
import { readCsv } from '../../../learning/data/csv.ts'
import { SiteRefusal } from '../../../protocol/errors.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import type { Charge } from '../../../protocol/privacy/ledger.ts'
import { fourHospitals } from '../../../simulations/datasets/four-hospitals.ts'
import { federate } from '../../../simulations/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

const plan = parsePlan(
  { concordat: 1, name: 'counts', algorithm: { name: 'statistics' }, data: fourHospitals.schema },
  planMenus,
)
const sites = await Promise.all(
  fourHospitals.generate({ seed: 1 }).map(async ({ site, csv }) => {
    const { table } = await readCsv({ name: site, chunks: once(csv) }, { schema: plan.data })
    return { name: site, table, trainer: plainTrainer }
  }),
)

test('a site whose ledger refuses the charge sends nothing: the sum is that of the others, who are told the code alone', async () => {
  const rounds: RoundEvent[] = []
  const charged: [string, Charge][] = []
  await federate(
    plan,
    sites,
    (event) => {
      if (event.type === 'round') rounds.push(event)
    },
    async (site, charge) => {
      if (site === 'county') throw new SiteRefusal('ERR_BUDGET', 'epsilon 1.2345 of 1 is spent')
      charged.push([site, charge])
    },
  )
  expect(rounds).toHaveLength(1)
  const [{ absent, metrics }] = rounds
  expect(absent).toEqual([{ site: 'county', code: 'ERR_BUDGET', reason: expect.not.stringContaining('1.2345') }])
  const others = sites.filter(({ name }) => name !== 'county')
  expect(metrics.rows).toBe(others.reduce((sum, { table }) => sum + table.rows, 0))
  expect(charged.map(([site]) => site).sort()).toEqual(others.map(({ name }) => name).sort())
  for (const [, charge] of charged) {
    const bare = { events: [{ type: 'unprotected', count: 1 }] }
    expect(charge).toMatchObject({ plan: 'counts', purpose: 'statistics of every column', unit: null, ...bare })
  }
})
