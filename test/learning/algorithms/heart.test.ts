import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { csvFile } from '../../../client-node/data/csv.ts'
import { compare } from '../../../learning/algorithms/baselines.ts'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { parseModel } from '../../../learning/algorithms/model-file.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { parsePlanFile } from '../../../protocol/plan.ts'
import { federate } from '../../support/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { menus } from './plans.ts'

const folder = new URL('../../../../shared/data/heart-disease/', import.meta.url)
const { plan } = parsePlanFile(readFileSync(new URL('../../../examples/heart.yaml', import.meta.url), 'utf8'), menus)
const hospitals = ['cleveland', 'hungarian', 'switzerland', 'va']
const rows = [303, 294, 123, 200]
const fileOf = (hospital: string) => new URL(`processed.${hospital}.data`, folder).pathname

// Without the shared data sets there is nothing to read.
test.skipIf(!existsSync(folder))('four hospitals together learn what one place with all rows would', async () => {
  const sites: Site[] = []
  for (const [i, name] of hospitals.entries()) {
    const { table } = await csvFile(fileOf(name)).table({ schema: plan.data })
    expect(table.rows).toBe(rows[i])
    sites.push({ name, table, trainer: plainTrainer })
  }
  const seeds = [1, 2, 3, 4, 5]
  const areas: { alone: number; federated: number; pooled: number }[] = []
  for (const seed of seeds) {
    const algorithm = algorithms['fed-avg'].create({ ...plan, seed })
    const model = parseModel(algorithm.result(await federate(algorithm, sites)))
    const { alone, federated, pooled } = await compare({ ...plan, seed }, model, sites)
    areas.push({ alone: mean(alone.map(area)), federated: area(federated), pooled: area(pooled) })
  }
  const federated = mean(areas.map((each) => each.federated))
  const pooled = mean(areas.map((each) => each.pooled))
  expect(pooled).toBeGreaterThan(0.87)
  expect(Math.abs(federated - pooled)).toBeLessThan(0.01)
  expect(federated).toBeGreaterThan(mean(areas.map((each) => each.alone)) + 0.05)
})

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function area(report: Awaited<ReturnType<typeof compare>>['pooled']): number {
  if (report.type !== 'binary') throw new Error('a binary report was expected')
  return report.auc.value
}
