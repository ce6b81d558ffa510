import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSiteConfig } from '../../client-node/config.ts'
import { openRecords } from '../../client-node/records.ts'
import { algorithms } from '../../learning/algorithms/index.ts'
import { planMenus } from '../../learning/computation.ts'
import { compiledTrainer } from '../../learning/engine/compiled/trainer.ts'
import { parsePlan } from '../../protocol/plan.ts'
import { fourHospitals } from '../../simulations/datasets/four-hospitals.ts'
import { federate } from '../support/federation.ts'

const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
const path = join(folder, 'records.csv')
const [hospital] = fourHospitals.generate({ seed: 1 })
await writeFile(path, hospital.csv)

const planOf = (algorithm: object) =>
  parsePlan(
    { concordat: 1, name: 'p', rounds: 3, algorithm, model: { name: 'logistic' }, data: fourHospitals.schema },
    planMenus,
  )
const plan = planOf({ name: 'fed-avg', learningRate: 0.1 })
const site = { name: hospital.site, trainer: compiledTrainer() }

test('a file that the configuration says to stream trains and is judged like the same file in memory', async () => {
  const config = join(folder, 'site.yaml')
  await writeFile(config, 'data: { kind: csv, path: records.csv, stream: true }\n')
  const told = { name: 'a', coordinator: 'http://localhost:1', coordinatorKey: '0'.repeat(64), roster: 'roster' }
  const { data } = await readSiteConfig(told, config)
  const streamed = await openRecords(data, {}, site, plan)
  const table = await openRecords(path, {}, site, plan)
  expect(streamed.site.blocks).toBeDefined()
  expect(table.site.blocks).toBeUndefined()
  expect(streamed.rows).toBe(table.rows)
  const metrics = async ({ site }: typeof table) => {
    const algorithm = algorithms['fed-avg'].create(plan)
    return algorithm.metrics(await federate(algorithm, [site]))
  }
  const [found, expected] = [await metrics(streamed), await metrics(table)]
  expect(found.trainingRows).toBe(expected.trainingRows)
  expect(found.examples).toBe(expected.examples)
  expect(Math.abs(found.auc - expected.auc)).toBeLessThan(0.03)
})

test('what is to be streamed is refused for a plan that needs all rows; a file of usual size is read for it', async () => {
  const whole = planOf({ name: 'fed-sgd' })
  const refused = openRecords({ kind: 'csv', path, stream: true }, {}, site, whole)
  await expect(refused).rejects.toMatchObject({ code: 'ERR_DATA_STREAMED' })
  expect((await openRecords({ kind: 'csv', path }, {}, site, whole)).site.blocks).toBeUndefined()
})
