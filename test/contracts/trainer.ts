/** What every trainer must do, whatever engine it runs on. */

import { expect, test } from 'vitest'
import { streamed } from '../../learning/engine/batches.ts'
import { LossNotFiniteError } from '../../learning/engine/examples.ts'
import type { Examples, Trainer, TrainerFactory, TrainOptions } from '../../learning/engine/trainer.ts'
import type { Activation, ModelDescription } from '../../learning/models/description.ts'
import { Stream } from '../../protocol/stream.ts'

export const options: TrainOptions = { epochs: 3, batchSize: 7, optimiser: 'sgd', learningRate: 0.1 }

export const dense = (units: number, activation: Activation = 'linear') =>
  ({ type: 'dense', units, activation }) as const

export const small: Readonly<Record<string, ModelDescription>> = {
  'binary logistic': { input: [5], layers: [dense(1)], loss: 'binary-cross-entropy' },
  'three classes': { input: [5], layers: [dense(6, 'tanh'), dense(3)], loss: 'cross-entropy' },
  regression: { input: [5], layers: [dense(9, 'relu'), dense(4, 'sigmoid'), dense(1)], loss: 'mean-squared-error' },
}

/** Rows from a normal distribution with a label that depends on them. */
export function someExamples(model: ModelDescription, rows: number, seed = 'examples'): Examples {
  const stream = new Stream(seed)
  const features = model.input.reduce((all, side) => all * side, 1)
  const [first] = model.layers
  const number = (): number => (first.type === 'embedding' ? stream.below(first.vocabulary) : stream.normal())
  const x = Float32Array.from({ length: rows * features }, number)
  const y = Float32Array.from({ length: rows }, (_, row) => {
    const score = 2 * x[row * features] - x[row * features + 1] + 0.3 * stream.normal()
    if (model.loss === 'mean-squared-error') return score
    if (model.loss === 'binary-cross-entropy') return score > 0 ? 1 : 0
    return score > 1 ? 2 : score > -1 ? 1 : 0
  })
  return { rows, features, x, y }
}

/** The rows in blocks of so many, as a source would give them. */
export async function* inBlocks({ rows, features, x, y }: Examples, size: number): AsyncGenerator<Examples> {
  const targets = y.length / rows
  for (let start = 0; start < rows; start += size) {
    const end = Math.min(start + size, rows)
    yield {
      rows: end - start,
      features,
      x: x.slice(start * features, end * features),
      y: y.slice(start * targets, end * targets),
    }
  }
}

export function trainerContract(factory: TrainerFactory): void {
  const withTrainer = async (model: ModelDescription, use: (trainer: Trainer) => Promise<void>): Promise<void> => {
    const trainer = await factory(model)
    try {
      await use(trainer)
    } finally {
      trainer.dispose()
    }
  }

  for (const [name, model] of Object.entries(small)) {
    for (const optimiser of ['sgd', 'momentum', 'adam'] as const) {
      test(`${name}: training with ${optimiser} lowers the loss`, () =>
        withTrainer(model, async (trainer) => {
          const examples = someExamples(model, 60)
          const start = trainer.initial(new Stream('start'))
          const settings = { ...options, optimiser, learningRate: 0.03 }
          const first = await trainer.train(start, examples, { ...settings, epochs: 1 }, new Stream('order'))
          const later = await trainer.train(start, examples, { ...settings, epochs: 15 }, new Stream('order'))
          expect(later.loss).toBeLessThan(first.loss)
        }))
    }

    test(`${name}: the same stream gives the same parameters, and the starting point is left untouched`, () =>
      withTrainer(model, async (trainer) => {
        const examples = someExamples(model, 23)
        const start = trainer.initial(new Stream('start'))
        const copy = start.slice()
        const once = await trainer.train(start, examples, options, new Stream('order'))
        const again = await trainer.train(start, examples, options, new Stream('order'))
        expect(again).toEqual(once)
        expect(start).toEqual(copy)
        expect(once.steps).toBe(3 * 4)
      }))

    test(`${name}: predictions have one row of outputs a row, and probabilities add up to one`, () =>
      withTrainer(model, async (trainer) => {
        const { x } = someExamples(model, 300)
        const outputs = model.loss === 'cross-entropy' ? 3 : 1
        const predictions = await trainer.predict(trainer.initial(new Stream('start')), x, 300)
        expect(predictions.length).toBe(300 * outputs)
        if (model.loss === 'cross-entropy') {
          for (let row = 0; row < 300; row++) {
            expect(predictions[3 * row] + predictions[3 * row + 1] + predictions[3 * row + 2]).toBeCloseTo(1, 5)
          }
        } else if (model.loss === 'binary-cross-entropy') {
          expect(predictions.every((p) => p > 0 && p < 1)).toBe(true)
        }
      }))
  }

  test('a large proximal term keeps the parameters near where they started', () =>
    withTrainer(small.regression, async (trainer) => {
      const examples = someExamples(small.regression, 40)
      const start = trainer.initial(new Stream('start'))
      const distance = async (proximal: number): Promise<number> => {
        const { parameters } = await trainer.train(
          start,
          examples,
          { ...options, learningRate: 0.02, proximal },
          new Stream('order'),
        )
        return Math.hypot(...parameters.map((value, i) => value - start[i]))
      }
      expect(await distance(20)).toBeLessThan(0.5 * (await distance(0)))
    }))

  test('weight decay pulls kernels towards zero and leaves biases alone', () =>
    withTrainer({ input: [2], layers: [dense(1)], loss: 'mean-squared-error' }, async (trainer) => {
      const silent = { rows: 1, features: 2, x: Float32Array.of(0, 0), y: Float32Array.of(3) }
      const settings = { ...options, epochs: 1, weightDecay: 0.5 }
      const { parameters } = await trainer.train(Float32Array.of(1, -2, 3), silent, settings, new Stream('order'))
      expect([...parameters]).toEqual(
        [Math.fround(0.95), Math.fround(-1.9), 3].map((value) => expect.closeTo(value, 6)),
      )
    }))

  test('a drift is added to the gradient of every step, beside clipping and momentum', () =>
    withTrainer(small['three classes'], async (trainer) => {
      const examples = someExamples(small['three classes'], 20)
      const start = trainer.initial(new Stream('start'))
      const drift = Float32Array.from(start, (_, i) => 0.01 * ((i % 7) - 3))
      const train = async (settings: TrainOptions): Promise<Float32Array> =>
        (await trainer.train(start, examples, settings, new Stream('order'))).parameters
      for (const change of [{}, { clipNorm: 0.05 }, { optimiser: 'momentum' as const }]) {
        const one = { ...options, ...change, epochs: 1, batchSize: 20 }
        const without = await train(one)
        const expected = without.map((value, i) => value - 0.1 * drift[i])
        for (const [i, value] of (await train({ ...one, drift })).entries()) expect(value).toBeCloseTo(expected[i], 6)
      }
    }))

  test('frozen tensors stay, and the others move as if nothing were frozen', () =>
    withTrainer(small['three classes'], async (trainer) => {
      const examples = someExamples(small['three classes'], 20)
      const start = trainer.initial(new Stream('start'))
      const one = { ...options, epochs: 1, batchSize: 20, weightDecay: 0.1 }
      const { parameters: free } = await trainer.train(start, examples, one, new Stream('order'))
      const frozen = ['0.dense.kernel', '1.dense.bias']
      const { parameters } = await trainer.train(start, examples, { ...one, frozen }, new Stream('order'))
      const stays = (i: number): boolean => i < 30 || i >= 36 + 18
      for (const [i, value] of parameters.entries()) {
        if (stays(i)) expect(value).toBe(start[i])
        else expect(value).toBeCloseTo(free[i], 6)
      }
      expect(parameters.some((value, i) => !stays(i) && value !== start[i])).toBe(true)
    }))

  test('batch norm: running figures follow the batches, and predictions use them', () =>
    withTrainer(
      { input: [1], layers: [{ type: 'batchNorm' }, dense(1)], loss: 'mean-squared-error' },
      async (trainer) => {
        // Scale, shift, mean and variance of the norm, then kernel and bias.
        const start = Float32Array.of(1, 0, 0, 1, 1, 0)
        expect(trainer.initial(new Stream('s')).subarray(0, 4)).toEqual(start.subarray(0, 4))
        const examples = { rows: 2, features: 1, x: Float32Array.of(8, 12), y: Float32Array.of(-1, 1) }
        const still = { ...options, epochs: 1, learningRate: 0 }
        const { parameters, loss } = await trainer.train(start, examples, still, new Stream('o'))
        // The batch has mean 10 and variance 4; a tenth of the way is taken.
        const moved = [1, 0, 1, 1.3, 1, 0]
        expect([...parameters]).toEqual(moved.map((value) => expect.closeTo(value, 5)))
        expect(loss).toBeCloseTo(0, 5)
        const [prediction] = await trainer.predict(parameters, Float32Array.of(3), 1)
        expect(prediction).toBeCloseTo(2 / Math.sqrt(1.3), 4)
      },
    ))

  test('clipping bounds how far one step moves the parameters', () =>
    withTrainer(small['three classes'], async (trainer) => {
      const examples = someExamples(small['three classes'], 20)
      const start = trainer.initial(new Stream('start'))
      const one = { ...options, epochs: 1, batchSize: 20, learningRate: 1, clipNorm: 0.01 }
      const { parameters } = await trainer.train(start, examples, one, new Stream('order'))
      expect(Math.hypot(...parameters.map((value, i) => value - start[i]))).toBeCloseTo(0.01, 5)
    }))

  test('a class of weight zero teaches nothing', () =>
    withTrainer(small['binary logistic'], async (trainer) => {
      const examples = someExamples(small['binary logistic'], 20)
      const positives = { ...examples, y: examples.y.map(() => 1) }
      const start = trainer.initial(new Stream('start'))
      const settings = { ...options, classWeights: [1, 0] }
      const { parameters, loss } = await trainer.train(start, positives, settings, new Stream('order'))
      expect(parameters).toEqual(start)
      expect(loss).toBe(0)
    }))

  test('focal loss turns away from rows that are right already', () =>
    withTrainer({ input: [1], layers: [dense(1)], loss: 'binary-cross-entropy' }, async (trainer) => {
      const sure = { rows: 1, features: 1, x: Float32Array.of(1), y: Float32Array.of(1) }
      const lossWith = async (focal: number): Promise<number> =>
        (await trainer.train(Float32Array.of(Math.log(9), 0), sure, { ...options, epochs: 1, focal }, new Stream('o')))
          .loss
      // p = 0.9: -ln 0.9, and 0.1^2 of it.
      expect(await lossWith(0)).toBeCloseTo(0.105361, 5)
      expect(await lossWith(2)).toBeCloseTo(0.00105361, 7)
    }))

  test('early stopping ends when the validation loss no longer falls, and gives the best parameters', () =>
    withTrainer(small.regression, async (trainer) => {
      const examples = someExamples(small.regression, 30)
      const validation = { ...examples, y: examples.y.map((value) => -value) }
      const start = trainer.initial(new Stream('start'))
      const settings = { ...options, epochs: 50 }
      const stopped = await trainer.train(
        start,
        examples,
        { ...settings, earlyStopping: { validation, patience: 2 } },
        new Stream('order'),
      )
      // The labels of the validation rows are turned round: learning soon makes them worse.
      const best = stopped.steps / 5 - 2
      expect(best).toBeLessThan(48)
      const untilThen = await trainer.train(start, examples, { ...settings, epochs: best }, new Stream('order'))
      expect(stopped.parameters).toEqual(untilThen.parameters)
    }))

  test('early stopping on a share of the rows judges by rows that never train', () =>
    withTrainer({ input: [1], layers: [dense(1)], loss: 'mean-squared-error' }, async (trainer) => {
      // Of two rows one is set apart; the labels contradict each other, so the first epoch is the best.
      const examples = { rows: 2, features: 1, x: Float32Array.of(1, 1), y: Float32Array.of(1, -1) }
      const settings = { ...options, epochs: 50, earlyStopping: { patience: 3, share: 0.5 } }
      const { steps, parameters } = await trainer.train(new Float32Array(2), examples, settings, new Stream('order'))
      expect(steps).toBe(4)
      expect(Math.abs(parameters[1])).toBeCloseTo(0.2, 6)
    }))

  test('rows that are streamed train like rows in memory, up to their order', () =>
    withTrainer(small.regression, async (trainer) => {
      const examples = someExamples(small.regression, 40)
      const start = trainer.initial(new Stream('start'))
      // With one batch an epoch the order of its rows only rounds differently.
      const whole = { ...options, batchSize: 40, epochs: 5, optimiser: 'adam' as const, schedule: { warmUp: 2 } }
      const batches = streamed({ rows: 40, features: 5, blocks: () => inBlocks(examples, 7), buffer: 16 })
      const here = await trainer.train(start, examples, whole, new Stream('order'))
      const there = await trainer.train(start, batches, whole, new Stream('order'))
      expect(there.steps).toBe(here.steps)
      expect(there.loss).toBeCloseTo(here.loss, 5)
      expect(Math.hypot(...there.parameters.map((value, i) => value - here.parameters[i]))).toBeLessThan(1e-5)
      expect((await trainer.train(start, batches, whole, new Stream('order'))).parameters).toEqual(there.parameters)
    }))

  test('a stream may bring more rows than were announced', () =>
    withTrainer(small.regression, async (trainer) => {
      const examples = someExamples(small.regression, 40)
      const batches = streamed({ rows: 3, features: 5, blocks: () => inBlocks(examples, 7), buffer: 16 })
      const start = trainer.initial(new Stream('start'))
      const { steps } = await trainer.train(start, batches, { ...options, epochs: 1 }, new Stream('order'))
      expect(steps).toBe(6)
    }))

  test('a streamed row that does not fit is refused when it comes', () =>
    withTrainer(small['three classes'], async (trainer) => {
      const wrong = { ...someExamples(small['three classes'], 10), y: new Float32Array(10).fill(7) }
      const batches = streamed({ rows: 10, features: 5, blocks: () => inBlocks(wrong, 5), buffer: 2 })
      const attempt = trainer.train(trainer.initial(new Stream('s')), batches, options, new Stream('o'))
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_LABEL_RANGE' })
    }))

  test('images that are moved and mirrored teach other parameters, the same ones for the same stream', () =>
    withTrainer(
      { input: [4, 4, 1], layers: [{ type: 'flatten' }, dense(3)], loss: 'cross-entropy' },
      async (trainer) => {
        const examples = {
          ...someExamples(small['three classes'], 12),
          features: 16,
          x: new Float32Array(12 * 16).fill(1),
        }
        const start = trainer.initial(new Stream('start'))
        const run = async (augmentation?: TrainOptions['augmentation']) =>
          (await trainer.train(start, examples, { ...options, augmentation }, new Stream('o'))).parameters
        const plain = await run()
        expect(await run({ shift: 0, flip: true })).toEqual(plain)
        const shifted = await run({ shift: 1, flip: false })
        expect(shifted).not.toEqual(plain)
        expect(await run({ shift: 1, flip: false })).toEqual(shifted)
      },
    ))

  test.each([
    ['batchSize', { batchSize: 0 }],
    ['augmentation', { augmentation: { shift: 1, flip: true } }],
    ['learningRate', { learningRate: Number.NaN }],
    ['clipNorm', { clipNorm: 0 }],
    ['focal', { focal: -1 }],
    ['classWeights', { classWeights: [1, 2] }],
    ['drift', { drift: new Float32Array(3) }],
    ['frozen', { frozen: ['7.dense.kernel'] }],
    ['schedule.decay', { schedule: { decay: { every: 0, factor: 2 } } }],
  ])('an option out of its range is refused by name: %s', (name, wrong) =>
    withTrainer(small['three classes'], async (trainer) => {
      const examples = someExamples(small['three classes'], 4)
      const start = trainer.initial(new Stream('s'))
      await expect(trainer.train(start, examples, { ...options, ...wrong }, new Stream('o'))).rejects.toMatchObject({
        code: 'ERR_TRAIN_OPTIONS',
        message: expect.stringContaining(name),
      })
    }),
  )

  test('a label outside the classes is refused, and the message names the row and the range', () =>
    withTrainer(small['three classes'], async (trainer) => {
      const { x } = someExamples(small['three classes'], 2)
      const attempt = trainer.train(
        trainer.initial(new Stream('s')),
        { rows: 2, features: 5, x, y: Float32Array.of(0, 3) },
        options,
        new Stream('o'),
      )
      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_LABEL_RANGE',
        message: expect.stringContaining('row 1: expected a class from 0 to 2'),
      })
    }))

  test('a number outside an embedding is refused before it can reach past the table', () =>
    withTrainer(
      {
        input: [2],
        layers: [{ type: 'embedding', vocabulary: 3, width: 2 }, { type: 'flatten' }, dense(1)],
        loss: 'mean-squared-error',
      },
      async (trainer) => {
        const start = trainer.initial(new Stream('s'))
        for (const wrong of [3, -1, 0.5, Number.NaN]) {
          const examples = { rows: 1, features: 2, x: Float32Array.of(0, wrong), y: Float32Array.of(1) }
          const refused = { code: 'ERR_INDEX_RANGE' }
          await expect(trainer.train(start, examples, options, new Stream('o'))).rejects.toMatchObject(refused)
          await expect(trainer.predict(start, examples.x, 1)).rejects.toMatchObject(refused)
        }
      },
    ))

  test('examples of another width are refused', () =>
    withTrainer(small.regression, async (trainer) => {
      const narrow = { rows: 2, features: 4, x: new Float32Array(8), y: new Float32Array(2) }
      const attempt = trainer.train(trainer.initial(new Stream('s')), narrow, options, new Stream('o'))
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_EXAMPLES_SHAPE' })
    }))

  test('parameters of another length are refused', () =>
    withTrainer(small.regression, async (trainer) => {
      const attempt = trainer.train(new Float32Array(3), someExamples(small.regression, 4), options, new Stream('o'))
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_PARAMETERS_SHAPE' })
    }))

  test('a loss that is not finite stops training at its step and hands back the last good parameters', () =>
    withTrainer(small.regression, async (trainer) => {
      const { x, ...rest } = someExamples(small.regression, 40)
      const start = trainer.initial(new Stream('s'))
      const broken = { ...rest, x: x.map((value, i) => (i === 5 * 39 ? Number.POSITIVE_INFINITY : value)) }
      const attempt = trainer.train(start, broken, { ...options, batchSize: 40, epochs: 1 }, new Stream('o'))
      await expect(attempt).rejects.toMatchObject({
        ...{ code: 'ERR_LOSS_NOT_FINITE', step: 0, parameters: start },
        message: expect.stringContaining('row 39 holds Infinity in column 0'),
      })
    }))

  test('a learning rate that blows the parameters up stops at its step, and names the first tensor that overflowed', () =>
    withTrainer(small.regression, async (trainer) => {
      const start = trainer.initial(new Stream('s'))
      const examples = someExamples(small.regression, 40)
      const wild = { ...options, learningRate: 1000, optimiser: 'momentum' as const, epochs: 200 }
      const failure: unknown = await trainer
        .train(start, examples, wild, new Stream('o'))
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({
        code: 'ERR_LOSS_NOT_FINITE',
        message: expect.stringMatching(/at step \d+: (the outputs|the parameters \d\.dense\.(kernel|bias)) overflowed/),
      })
      if (!(failure instanceof LossNotFiniteError)) throw new Error('expected the error that carries parameters')
      expect(failure.parameters.every(Number.isFinite)).toBe(true)
    }))

  test('layers that do not fit their loss are refused before anything is built', async () => {
    const wrong: ModelDescription = { input: [5], layers: [dense(2)], loss: 'binary-cross-entropy' }
    await expect(factory(wrong)).rejects.toMatchObject({ code: 'ERR_MODEL_SHAPE' })
  })
}
