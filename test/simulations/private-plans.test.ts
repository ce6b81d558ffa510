/** Whole plans with noise, through the deployed participants and rounds: they end, say what protects them, and charge for it. */

import { describe, expect, test } from 'vitest'
import { parseModel } from '../../learning/algorithms/model-file.ts'
import { computationOf, planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { type Plan, parsePlan } from '../../protocol/plan.ts'
import { rdpEpsilon } from '../../protocol/privacy/accountants/rdp.ts'
import type { Charge } from '../../protocol/privacy/ledger.ts'
import { federate } from '../../simulations/federation.ts'
import { siteOf } from '../learning/algorithms/plans.ts'
import { schema } from '../learning/data/tables.ts'

const trainer = chooseTrainer()
const sites = [siteOf('north', 80, -3), siteOf('south', 40, 0), siteOf('west', 9, 3), siteOf('east', 60, 1)].map(
  (site) => ({
    ...site,
    trainer,
    table: { ...site.table, patients: Array.from({ length: site.table.rows }, (_, row) => `patient ${row >> 1}`) },
  }),
)

/** Two rows a patient. */
const ofPatients = { data: { ...schema, patient: { column: 'who', rows: 2 } } }

const people = { unit: 'record', population: 190, clip: 1, epsilon: 3, delta: 1e-4 }

const planOf = (algorithm: Record<string, unknown>, privacy: Record<string, unknown>, more = {}): Plan =>
  parsePlan(
    {
      concordat: 1,
      name: 'private',
      algorithm,
      model: { name: 'logistic' },
      data: schema,
      rounds: 5,
      privacy,
      ...more,
    },
    planMenus,
  )

/** The model, and what each site was charged. */
async function run(plan: Plan) {
  const charges = new Map<string, Charge[]>(sites.map(({ name }) => [name, []]))
  const { state } = await federate(
    plan,
    sites,
    () => {},
    async (site, charge) => {
      charges.get(site)?.push(charge)
    },
  )
  return { result: computationOf(plan, sites.length).algorithm.result(state), charges: [...charges.values()] }
}

describe('a training with noise', () => {
  const cases: [string, Plan, number][] = [
    ['central, for records', planOf({ name: 'fed-sgd', learningRate: 4 }, { name: 'gaussian', ...people }), 5],
    [
      'distributed, for records',
      planOf({ name: 'fed-sgd', learningRate: 4 }, { name: 'discrete-gaussian', ...people }),
      5,
    ],
    [
      'distributed, for records drawn at a rate',
      planOf({ name: 'fed-sgd' }, { name: 'discrete-gaussian', ...people, rate: 0.3 }),
      5,
    ],
    [
      'distributed, for patients',
      planOf(
        { name: 'fed-sgd' },
        { name: 'discrete-gaussian', ...people, unit: 'patient', population: 95 },
        ofPatients,
      ),
      5,
    ],
    [
      "in the sites' steps, for patients",
      planOf(
        { name: 'fed-avg' },
        { name: 'dp-sgd', ...people, unit: 'patient', population: 95, rate: 0.5 },
        ofPatients,
      ),
      10,
    ],
    [
      'distributed, for sites',
      planOf({ name: 'fed-avg' }, { name: 'discrete-gaussian', ...people, unit: 'site', population: 4, epsilon: 20 }),
      5,
    ],
    [
      'central, for sites, clipped adaptively',
      planOf(
        { name: 'fed-avg' },
        { name: 'gaussian', ...people, unit: 'site', population: 4, epsilon: 20, adaptive: { quantile: 0.5 } },
      ),
      5,
    ],
    [
      "in the sites' steps, for records",
      planOf({ name: 'fed-avg' }, { name: 'dp-sgd', ...people, rate: 0.25, epochs: 2 }),
      40,
    ],
  ]
  test.each(cases)('%s: the model says so, and the charges of a site keep the claim', async (_, plan, steps) => {
    const { result, charges } = await run(plan)
    const { privacy, metrics } = parseModel(result)
    const { unit, name, epsilon } = plan.privacy
    expect(privacy).toMatchObject({ mechanism: name, unit, delta: 1e-4 })
    expect(privacy?.epsilon).toBeLessThanOrEqual(Number(epsilon))
    // Nothing but the rounds of training has left: no statistics, no evaluation without noise.
    expect(metrics).toBeUndefined()
    for (const own of charges) {
      expect(own.map(({ purpose }) => purpose)).toEqual([1, 2, 3, 4, 5].map((round) => `training round ${round} of 5`))
      const events = own.flatMap((charge) => charge.events)
      expect(events.reduce((sum, { count }) => sum + count, 0)).toBe(steps)
      expect(rdpEpsilon(events, 1e-4)).toBeLessThanOrEqual(Number(epsilon))
      expect(rdpEpsilon(events, 1e-4)).toBeGreaterThan(0.95 * Number(epsilon))
      for (const charge of own) expect(charge.unit).toBe(unit)
    }
  })

  test('is not repeatable, as without noise: who sees two runs does not see the noise cancel', async () => {
    const plan = planOf({ name: 'fed-sgd' }, { name: 'discrete-gaussian', ...people })
    const [first, second] = [await run(plan), await run(plan)]
    expect(parseModel(first.result).parameters).not.toBe(parseModel(second.result).parameters)
  })
})

test('statistics with noise: counts near the true ones, charged, and said', async () => {
  const privacy = { name: 'discrete-gaussian', unit: 'record', population: 190, epsilon: 20, delta: 1e-4 }
  const plan = parsePlan(
    { concordat: 1, name: 'counts', algorithm: { name: 'statistics', bins: 4 }, data: schema, privacy },
    planMenus,
  )
  const { result, charges } = await run(plan)
  const rows = sites.reduce((sum, { table }) => sum + table.rows, 0)
  expect(result).toMatchObject({ kind: 'statistics', rows: expect.any(Number), privacy: { unit: 'record' } })
  const { rows: noisy } = Object(result)
  expect(noisy).not.toBe(rows)
  expect(Math.abs(noisy - rows)).toBeLessThan(30)
  for (const own of charges)
    expect(
      rdpEpsilon(
        own.flatMap(({ events }) => events),
        1e-4,
      ),
    ).toBeLessThanOrEqual(20)
})

describe('a plan whose parts do not go together is refused before any site is asked', () => {
  const noise = { name: 'gaussian', ...people }
  test.each<[string, Plan, string]>([
    ['a norm is missing', planOf({ name: 'fed-sgd' }, { ...noise, clip: undefined }), 'privacy.clip'],
    ['patients without a key', planOf({ name: 'fed-sgd' }, { ...noise, unit: 'patient' }), 'data.patient'],
    ['people under noise on updates', planOf({ name: 'fed-avg' }, noise), 'privacy.unit'],
    ['sites under noise on gradients', planOf({ name: 'fed-sgd' }, { ...noise, unit: 'site' }), 'privacy.unit'],
    ['DP-SGD without steps', planOf({ name: 'fed-sgd' }, { name: 'dp-sgd', ...people, rate: 0.5 }), 'privacy.unit'],
    [
      'passes in two places',
      planOf({ name: 'fed-avg', localEpochs: 3 }, { name: 'dp-sgd', ...people, rate: 0.5 }),
      'localEpochs',
    ],
    ['an algorithm that knows no noise', planOf({ name: 'scaffold' }, noise), 'privacy.unit'],
    [
      'most frequent categories',
      planOf({ name: 'fed-sgd', preprocessing: { categories: 'frequent' } }, noise),
      'preprocessing',
    ],
    [
      'statistics of sampled rows',
      planOf({ name: 'statistics' }, { ...noise, rate: 0.5 }, { model: undefined }),
      'privacy.rate',
    ],
    [
      'updates that are compressed',
      planOf({ name: 'fed-avg', compression: { keep: 0.5 } }, { name: 'dp-sgd', ...people, rate: 1 }),
      'compression',
    ],
  ])('%s', (_, plan, where) => {
    expect(() => computationOf(plan, 4)).toThrow(where)
  })
})

test.each([
  ['model', { name: 'fed-avg' }, { model: { name: 'mlp', norm: 'batch' } }],
  ['algorithm.earlyStopping', { name: 'fed-avg', earlyStopping: { patience: 2 } }, {}],
])('what would tell about people beside the noise is refused with the plan: %s', (where, algorithm, more) => {
  const plan = planOf(algorithm, { name: 'dp-sgd', ...people, rate: 0.25 }, more)
  expect(() => computationOf(plan, sites.length)).toThrow(expect.objectContaining({ code: 'ERR_PLAN', where }))
})
