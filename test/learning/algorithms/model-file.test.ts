import { describe, expect, test } from 'vitest'
import { parametersOf, parseModelFile, writeModel } from '../../../learning/algorithms/model-file.ts'
import { planMenus } from '../../../learning/computation.ts'
import { models } from '../../../learning/models/index.ts'
import { initialParameters } from '../../../learning/models/initial.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { Stream } from '../../../protocol/stream.ts'

const columns = Array.from({ length: 64 }, (_, i) => ({ name: `x${i}`, type: 'number', range: [0, 1] }))
const plan = parsePlan(
  {
    ...{ concordat: 1, name: 'test', algorithm: { name: 'fed-avg' }, model: { name: 'logistic' } },
    data: { columns, label: { column: 'y', type: 'binary', positive: ['1'], negative: ['0'] } },
  },
  planMenus,
)
const preprocessing = {
  columns: columns.map(({ name }) => ({ type: 'number' as const, name, mean: 0.5, deviation: 1, indicator: false })),
}

/** Options that a model cannot do without. */
const needed: Readonly<Record<string, object>> = { recurrent: { steps: 8 }, transformer: { steps: 8 } }

describe.each(Object.keys(models))('a file of the model %s', (name) => {
  test('says all that is needed to build it again, number by number', () => {
    const { label } = plan.data
    if (label === undefined) throw new Error('the plan has a label')
    const model = models[name].describe(needed[name] ?? {}, { features: 64, label })
    const parameters = initialParameters(model, new Stream('model'))
    const written = writeModel({ plan, model, preprocessing, parameters, trainingRows: 1, metrics: undefined })
    const read = parseModelFile(JSON.stringify(written))
    expect(read.model).toEqual(model)
    expect(parametersOf(read)).toEqual(parameters)
  })
})
