import '../../support/relaxed-simd.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Variant } from '../../../learning/engine/compiled/machine.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { tfjsTrainer } from '../../../learning/engine/tfjs/trainer.ts'
import type { Examples, PrivateSteps, Trainer, TrainOptions } from '../../../learning/engine/trainer.ts'
import type { ModelDescription } from '../../../learning/models/description.ts'
import type { Random } from '../../../protocol/random.ts'
import { Stream } from '../../../protocol/stream.ts'
import { dense, small, someExamples } from '../../contracts/trainer.ts'

const seeded = (label: string): Random => {
  const stream = new Stream(label)
  return { bytes: (length) => Uint8Array.from({ length }, () => stream.uint32() & 0xff) }
}

const privacy: PrivateSteps = { clippingNorm: 1, noiseMultiplier: 0, batchRate: 1, random: seeded('secret') }

const settings: TrainOptions = { epochs: 1, batchSize: 4, optimiser: 'sgd', learningRate: 1, privacy }

const image: ModelDescription = {
  input: [6, 7, 2],
  layers: [
    { type: 'conv2d', filters: 5, kernel: [3, 2], stride: 1, padding: 'same', activation: 'relu' },
    { type: 'maxPool2d', size: 2, stride: 2 },
    { type: 'conv2d', filters: 9, kernel: [2, 2], stride: 1, padding: 'valid', activation: 'tanh' },
    { type: 'flatten' },
    dense(6, 'sigmoid'),
    dense(3),
  ],
  loss: 'cross-entropy',
}

/** Its second convolution is taken in points. */
const tiled: ModelDescription = {
  input: [7, 9, 1],
  layers: [
    { type: 'conv2d', filters: 8, kernel: [5, 5], stride: 1, padding: 'same', activation: 'relu' },
    { type: 'conv2d', filters: 12, kernel: [5, 3], stride: 1, padding: 'same', activation: 'relu' },
    { type: 'maxPool2d', size: 2, stride: 2 },
    { type: 'flatten' },
    dense(3),
  ],
  loss: 'cross-entropy',
}

const normed: ModelDescription = {
  input: [4, 5, 2],
  layers: [
    { type: 'conv2d', filters: 6, kernel: [3, 3], stride: 1, padding: 'same', activation: 'relu' },
    { type: 'groupNorm', groups: 3 },
    { type: 'flatten' },
    dense(9, 'elu'),
    { type: 'layerNorm' },
    dense(1),
  ],
  loss: 'binary-cross-entropy',
}

const words: ModelDescription = {
  input: [6],
  layers: [{ type: 'embedding', vocabulary: 3, width: 5 }, { type: 'layerNorm' }, { type: 'flatten' }, dense(3)],
  loss: 'cross-entropy',
}

/** Each row's gradient by itself, clipped, summed and divided, in float64: the algorithm as it is written. */
async function oracleStep(trainer: Trainer, start: Float32Array, examples: Examples, clip: number) {
  const sum = new Float64Array(start.length)
  const { features } = examples
  let clipped = 0
  for (let row = 0; row < examples.rows; row++) {
    const alone = {
      rows: 1,
      features,
      x: examples.x.slice(row * features, (row + 1) * features),
      y: examples.y.slice(row, row + 1),
    }
    // The rate is large, so that start minus result keeps the gradient's digits.
    const rate = 512
    const { parameters } = await trainer.train(
      start,
      alone,
      { ...settings, privacy: undefined, learningRate: rate },
      new Stream('o'),
    )
    const gradient = Float64Array.from(start, (value, i) => (value - parameters[i]) / rate)
    const norm = Math.hypot(...gradient)
    if (norm > clip) clipped++
    for (let i = 0; i < sum.length; i++) sum[i] += gradient[i] * Math.min(1, clip / norm)
  }
  return { step: sum.map((value) => value / examples.rows), clipped }
}

describe.each(['simd128', 'relaxed'] satisfies Variant[])('private steps, compiled %s', (variant) => {
  const factory = compiledTrainer({ variant })

  test.each(Object.entries({ ...small, image, tiled, normed, words }))(
    '%s: without noise a step is the sum of rows clipped one by one, to 1e-5',
    async (_, model) => {
      const oracle = await tfjsTrainer({ backend: 'cpu' })(model)
      const ours = await factory(model)
      const examples = someExamples(model, 11)
      const start = ours.initial(new Stream('start'))
      for (const [clippingNorm, clips] of [
        [0.05, 11],
        [1000, 0],
      ]) {
        const expected = await oracleStep(oracle, start, examples, clippingNorm)
        expect(expected.clipped).toBe(clips)
        const { parameters } = await ours.train(
          start,
          examples,
          { ...settings, learningRate: 512, privacy: { ...privacy, clippingNorm } },
          new Stream('o'),
        )
        const step = Float64Array.from(start, (value, i) => (value - parameters[i]) / 512)
        const difference = Math.hypot(...step.map((value, i) => value - expected.step[i]))
        expect(difference / Math.hypot(...expected.step)).toBeLessThan(1e-5)
      }
    },
  )

  test('the parts a sample is cut into do not change the step', async () => {
    const trainer = await factory(image)
    const examples = someExamples(image, 10)
    const start = trainer.initial(new Stream('start'))
    const steps = [1, 3, 10].map((batchSize) =>
      trainer.train(start, examples, { ...settings, batchSize }, new Stream('o')),
    )
    const [one, three, ten] = await Promise.all(steps)
    for (const { parameters } of [one, three]) {
      expect(Math.hypot(...parameters.map((value, i) => value - ten.parameters[i]))).toBeLessThan(1e-6)
    }
  })

  test('the noise has the promised deviation, no mean, and the shape of a normal distribution', async () => {
    const model: ModelDescription = { input: [100], layers: [dense(200)], loss: 'mean-squared-error' }
    const trainer = await factory(model)
    const rows = 4
    const silent = { rows, features: 100, x: new Float32Array(100 * rows), y: new Float32Array(200 * rows) }
    const noisy = { clippingNorm: 0.5, noiseMultiplier: 4, batchRate: 1, random: seeded('noise') }
    const start = new Float32Array(20_200)
    const { parameters } = await trainer.train(start, silent, { ...settings, privacy: noisy }, new Stream('o'))
    // Divided by the rows of the step: 4 * 0.5 / 4.
    const standard = parameters.map((value) => value / 0.5)
    const mean = (power: number): number => standard.reduce((sum, value) => sum + value ** power, 0) / standard.length
    expect(mean(1)).toBeCloseTo(0, 1)
    expect(Math.abs(mean(2) - 1)).toBeLessThan(0.05)
    expect(Math.abs(mean(4) - 3)).toBeLessThan(0.3)
    const beyond = standard.filter((value) => Math.abs(value) > 1.959964).length / standard.length
    expect(Math.abs(beyond - 0.05)).toBeLessThan(0.006)
    const neighbours = standard.slice(1).reduce((sum, value, i) => sum + value * standard[i], 0) / standard.length
    expect(Math.abs(neighbours)).toBeLessThan(0.04)
  })

  test('rows take part at the batch rate, and an epoch has ceil(1 / rate) steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0.1, 0.25, 0.3), fc.string(), async (batchRate, seed) => {
        // Each row alone moves the parameter of its own column by 1 / (rate * rows) each time it takes part.
        const rows = 64
        const model: ModelDescription = { input: [rows], layers: [dense(1)], loss: 'mean-squared-error' }
        const x = Float32Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1e6 : 0))
        const examples = { rows, features: rows, x, y: new Float32Array(rows).fill(1e9) }
        const trainer = await factory(model)
        const chosen = { ...settings, epochs: 20, learningRate: batchRate * rows }
        const { parameters, steps } = await trainer.train(
          new Float32Array(rows + 1),
          examples,
          { ...chosen, privacy: { ...privacy, batchRate, random: seeded(seed) } },
          new Stream('o'),
        )
        expect(steps).toBe(20 * Math.ceil(1 / batchRate))
        const times = [...parameters.subarray(0, rows)].map(Math.round)
        const share = times.reduce((sum, value) => sum + value, 0) / (rows * steps)
        expect(Math.abs(share - batchRate)).toBeLessThan(0.06)
        expect(new Set(times).size).toBeGreaterThan(1)
      }),
      { numRuns: 5, seed: 4 },
    )
  })

  test('equal secret bytes give equal steps; other bytes give others', async () => {
    const trainer = await factory(small.regression)
    const examples = someExamples(small.regression, 30)
    const start = trainer.initial(new Stream('start'))
    const run = (seed: string) =>
      trainer.train(
        start,
        examples,
        { ...settings, privacy: { ...privacy, batchRate: 0.3, noiseMultiplier: 1, random: seeded(seed) } },
        new Stream('o'),
      )
    expect(await run('a')).toEqual(await run('a'))
    expect((await run('a')).parameters).not.toEqual((await run('b')).parameters)
  })

  test('early stopping and a second clipping are refused together with private steps', async () => {
    const trainer = await factory(small.regression)
    const examples = someExamples(small.regression, 5)
    const start = trainer.initial(new Stream('start'))
    for (const wrong of [{ clipNorm: 1 }, { earlyStopping: { validation: examples, patience: 1 } }]) {
      await expect(trainer.train(start, examples, { ...settings, ...wrong }, new Stream('o'))).rejects.toMatchObject({
        code: 'ERR_TRAIN_OPTIONS',
      })
    }
  })
})

test('batch norm is refused under private steps, with advice', async () => {
  const model: ModelDescription = {
    input: [5],
    layers: [dense(4), { type: 'batchNorm' }, dense(1)],
    loss: 'mean-squared-error',
  }
  const trainer = await compiledTrainer()(model)
  const attempt = trainer.train(trainer.initial(new Stream('s')), someExamples(model, 5), settings, new Stream('o'))
  await expect(attempt).rejects.toMatchObject({
    code: 'ERR_TRAIN_OPTIONS',
    message: expect.stringContaining('group norm'),
  })
})

test('the TensorFlow.js engine refuses private steps rather than taking plain ones', async () => {
  const trainer = await tfjsTrainer({ backend: 'cpu' })(small.regression)
  const start = trainer.initial(new Stream('start'))
  await expect(
    trainer.train(start, someExamples(small.regression, 5), settings, new Stream('o')),
  ).rejects.toMatchObject({ code: 'ERR_ENGINE' })
})
