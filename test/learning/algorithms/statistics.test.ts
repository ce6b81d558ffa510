import { expect, test } from 'vitest'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { dataSchema } from '../../../protocol/schema.ts'
import { federate } from '../../support/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { planOf } from './plans.ts'

test('the result is a table that a person can read', async () => {
  const data = dataSchema.parse({
    columns: [
      { name: 'age', type: 'number', unit: 'years', range: [0, 100] },
      { name: 'sex', type: 'category', categories: ['f', 'm'] },
    ],
    label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
  })
  const site = (name: string, age: number[], sex: number[], ill: number[]) => ({
    name,
    trainer: plainTrainer,
    table: {
      schema: data,
      rows: age.length,
      columns: [
        { type: 'number' as const, name: 'age', values: Float64Array.from(age) },
        { type: 'category' as const, name: 'sex', categories: ['f', 'm'], codes: Int32Array.from(sex) },
      ],
      label: Float32Array.from(ill),
    },
  })
  const algorithm = algorithms.statistics.create(planOf({ name: 'statistics', bins: 2 }, { data, model: undefined }))
  const end = await federate(algorithm, [
    site('a', [25, 75], [0, 1], [0, 1]),
    site('b', [50, Number.NaN], [1, -1], [1, 1]),
  ])
  expect(algorithm.result(end)).toEqual({
    concordat: 1,
    kind: 'statistics',
    plan: 'test',
    rows: 4,
    columns: {
      age: {
        type: 'number',
        unit: 'years',
        count: 3,
        missing: 1,
        mean: 50,
        variance: 625,
        deviation: 25,
        histogram: { edges: [0, 50, 100], counts: [1, 2] },
      },
      sex: { type: 'category', count: 3, missing: 1, counts: { f: 1, m: 2 } },
      ill: { type: 'category', count: 4, missing: 0, counts: { negative: 1, positive: 3 } },
    },
  })
})
