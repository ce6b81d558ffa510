import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { models } from '../../../learning/models/index.ts'
import { initialParameters, parameterCount } from '../../../learning/models/initial.ts'
import type { Label } from '../../../protocol/schema.ts'
import { Stream } from '../../../protocol/stream.ts'

const binary: Label = { column: 'y', type: 'binary', missing: [], positive: ['1'], negative: ['0'] }
const classes: Label = { column: 'y', type: 'class', missing: [], classes: ['a', 'b', 'c'] }
const number: Label = { column: 'y', type: 'number', missing: [], range: [0, 1] }

describe('the menu of models', () => {
  test('logistic regression has one weight a feature and a bias, for each class if there are several', () => {
    expect(parameterCount(models.logistic.describe({}, { features: 13, label: binary }))).toBe(14)
    expect(parameterCount(models.logistic.describe({}, { features: 13, label: classes }))).toBe(42)
  })

  test('logistic regression refuses a label that is a number', () => {
    expect(() => models.logistic.describe({}, { features: 3, label: number })).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_LABEL' }),
    )
  })

  test('the 2NN of McMahan et al. has 199,210 parameters', () => {
    const label: Label = {
      column: 'y',
      type: 'class',
      missing: [],
      classes: Array.from({ length: 10 }, (_, i) => `${i}`),
    }
    expect(parameterCount(models.mlp.describe({ hidden: [200, 200] }, { features: 784, label }))).toBe(199_210)
  })
})

describe('initial parameters', () => {
  test('kernels lie within the Glorot limit, biases are zero, and equal streams give equal numbers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.string(),
        (features, units, seed) => {
          const model = models.mlp.describe({ hidden: [units] }, { features, label: binary })
          const initial = initialParameters(model, new Stream(seed))
          const limit = Math.fround(Math.sqrt(6 / (features + units)))
          expect(initial.subarray(0, features * units).every((w) => Math.abs(w) <= limit)).toBe(true)
          expect(initial.subarray(features * units, (features + 1) * units).every((w) => w === 0)).toBe(true)
          expect(initialParameters(model, new Stream(seed))).toEqual(initial)
        },
      ),
      { numRuns: 30 },
    )
  })
})
