import { describe, expect, test } from 'vitest'
import { planMenus } from '../../../learning/computation.ts'
import { readCsv } from '../../../learning/data/csv.ts'
import { selectRows } from '../../../learning/data/table.ts'
import { chooseTrainer } from '../../../learning/engine/choose.ts'
import { selfTest } from '../../../learning/self-test/self-test.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { Stream } from '../../../protocol/stream.ts'
import { fourHospitals } from '../../../simulations/datasets/four-hospitals.ts'

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

/** Seeded, so that the figures below are the same on every machine. */
function seeded(label: string) {
  const stream = new Stream(label)
  return { bytes: (length: number) => Uint8Array.from({ length }, () => stream.below(256)) }
}

const [{ csv }] = fourHospitals.generate({ seed: 1 })
const { table } = await readCsv({ name: 'site', chunks: once(csv) }, { schema: fourHospitals.schema })
const rows = 60
const site = {
  name: 'site',
  table: selectRows(
    table,
    Uint32Array.from({ length: rows }, (_, i) => i),
  ),
  trainer: chooseTrainer(),
}
const plan = (changes: object) =>
  parsePlan(
    {
      ...{ concordat: 1, name: 'p', data: fourHospitals.schema, rounds: 4, model: { name: 'mlp', hidden: [32] } },
      algorithm: { name: 'fed-avg', localEpochs: 20, learningRate: 0.2, batchSize: 8, clip: 1000 },
      ...changes,
    },
    planMenus,
  )
const options = { sites: 4, records: 20, models: 8, rounds: 4, progress: () => {} }

describe('the self-test attacks what would really leave', () => {
  test('without protection one record in an update is recovered, and members of a model that overfits are told', async () => {
    const found = await selfTest(plan({}), site, { ...options, random: seeded('a') })
    expect(found.protected).toBeUndefined()
    const { inversion, membership } = found.unprotected
    expect(inversion).toMatchObject({ records: 20, chance: 1 / rows })
    expect(inversion?.identified).toBeGreaterThan(0.95)
    expect(inversion?.correlation).toBeGreaterThan(0.99)
    expect(membership.auc).toBeGreaterThan(0.7)
  })

  test('under DP-SGD both attacks come down to about guessing', async () => {
    const privacy = {
      ...{ name: 'dp-sgd', unit: 'record', population: 240, clip: 1, rate: 0.25 },
      ...{ noiseMultiplier: 2, delta: 1e-5 },
    }
    const found = await selfTest(plan({ privacy, algorithm: { name: 'fed-avg', learningRate: 0.2 } }), site, {
      ...options,
      random: seeded('b'),
    })
    // Of 20 records guessing picks out a third of one; four or more would be chance once in ten thousand.
    expect(found.protected?.inversion?.identified).toBeLessThan(0.2)
    expect(Math.abs(found.protected?.inversion?.correlation ?? 1)).toBeLessThan(0.5)
    expect(Math.abs((found.protected?.membership.auc ?? 1) - 0.5)).toBeLessThan(0.1)
    expect(found.unprotected.inversion?.identified).toBeGreaterThan(0.95)
  })

  test('a plan without a model, or a site of a few rows, has nothing to attack', async () => {
    const statistics = parsePlan(
      { concordat: 1, name: 'p', data: fourHospitals.schema, algorithm: { name: 'statistics' } },
      planMenus,
    )
    await expect(selfTest(statistics, site, { ...options, random: seeded('c') })).rejects.toMatchObject({
      code: 'ERR_SELF_TEST',
    })
    const few = { ...site, table: selectRows(table, Uint32Array.of(0, 1, 2)) }
    await expect(selfTest(plan({}), few, { ...options, random: seeded('c') })).rejects.toMatchObject({
      code: 'ERR_SELF_TEST',
    })
  })
})
