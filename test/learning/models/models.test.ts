import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { models } from '../../../learning/models/index.ts'
import { initialParameters, parameterCount } from '../../../learning/models/initial.ts'
import { Stream } from '../../../protocol/stream.ts'

const binary = { column: 'y', type: 'binary', missing: [], positive: ['1'], negative: ['0'] }
const classes = { column: 'y', type: 'class', missing: [], classes: ['a', 'b', 'c'] }
const number = { column: 'y', type: 'number', missing: [], range: [0, 1] as [number, number] }

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
    const label = {
      column: 'y',
      type: 'class',
      missing: [],
      classes: Array.from({ length: 10 }, (_, i) => `${i}`),
    }
    expect(parameterCount(models.mlp.describe({ hidden: [200, 200] }, { features: 784, label }))).toBe(199_210)
  })
})

describe('models of images', () => {
  const label = { column: 'y', type: 'class', classes: Array.from({ length: 10 }, (_, i) => `${i}`) }

  test('the CNN of McMahan et al. has 1,663,370 parameters', () => {
    expect(parameterCount(models.cnn.describe({}, { features: 784, label }))).toBe(1_663_370)
  })

  test('an image that does not hold all features is refused', () => {
    expect(() => models.cnn.describe({ image: [28, 28, 3] }, { features: 784, label })).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_SHAPE' }),
    )
  })

  test('a window larger than its image is refused, and the layer is named', () => {
    const model = {
      input: [3, 3, 1],
      layers: [{ type: 'maxPool2d', size: 4, stride: 4 }],
      loss: 'cross-entropy',
    }
    expect(() => parameterCount(model)).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_SHAPE', where: 'model.layers.0' }),
    )
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
