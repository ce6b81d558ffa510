import '../../support/relaxed-simd.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Variant } from '../../../learning/engine/compiled/machine.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { tfjsTrainer } from '../../../learning/engine/tfjs/trainer.ts'
import type { Examples, TrainOptions } from '../../../learning/engine/trainer.ts'
import type { Layer, ModelDescription } from '../../../learning/models/description.ts'
import { layOut } from '../../../learning/models/layout.ts'
import { followsBatches } from '../../../learning/models/placement.ts'
import { Stream } from '../../../protocol/stream.ts'
import { dense, someExamples } from '../../contracts/trainer.ts'

const oracle = tfjsTrainer({ backend: 'cpu' })
const variants = ['simd128', 'relaxed'] satisfies Variant[]

/** |a - b| as a share of |b|, over whole vectors: what rounding in another order may change. */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = Math.hypot(...a.map((value, i) => value - b[i]))
  return difference === 0 ? 0 : difference / Math.hypot(...b)
}

const settings: TrainOptions = { epochs: 1, batchSize: 8, optimiser: 'sgd', learningRate: 0.1 }

/** Ten steps, one gradient (a step of rate one over all rows) and predictions, on both engines. */
async function compare(
  variant: Variant,
  model: ModelDescription,
  examples: Examples,
  options: TrainOptions,
): Promise<number> {
  const [ours, theirs] = [await compiledTrainer({ variant })(model), await oracle(model)]
  const start = ours.initial(new Stream('start')).map((value, i) => value + 0.01 * ((i % 7) - 3))
  const whole = { ...settings, batchSize: examples.rows, learningRate: 1 }
  const runs = [options, whole].map(async (run) => {
    const [a, b] = [
      await ours.train(start, examples, run, new Stream('o')),
      await theirs.train(start, examples, run, new Stream('o')),
    ]
    const moved = ({ parameters }: { parameters: Float32Array }): Float32Array =>
      parameters.map((value, i) => value - start[i])
    expect(a.steps).toBe(b.steps)
    return Math.max(
      Math.abs(a.loss - b.loss) / Math.max(b.loss, 1e-3),
      distance(run === whole ? moved(a) : a.parameters, run === whole ? moved(b) : b.parameters),
    )
  })
  const predictions = distance(
    await ours.predict(start, examples.x, examples.rows),
    await theirs.predict(start, examples.x, examples.rows),
  )
  return Math.max(predictions, ...(await Promise.all(runs)))
}

const activations = fc.constantFrom('linear', 'relu', 'leaky-relu', 'elu', 'softplus', 'sigmoid', 'tanh')
const width = fc.integer({ min: 1, max: 37 })
const losses = fc.constantFrom('binary-cross-entropy', 'cross-entropy', 'mean-squared-error')

const denseModels: fc.Arbitrary<ModelDescription> = fc
  .record({
    features: fc.integer({ min: 2, max: 37 }),
    hidden: fc.array(fc.tuple(width, activations), { maxLength: 3 }),
    loss: losses,
  })
  .map(({ features, hidden, loss }) => ({
    input: [features],
    layers: [...hidden.map(([units, activation]) => dense(units, activation)), dense(loss === 'cross-entropy' ? 3 : 1)],
    loss,
  }))

const side = fc.integer({ min: 5, max: 9 })

/** Up to two convolutions with odd strides, sizes and paddings, pooled or not, under a dense layer. */
const imageModels: fc.Arbitrary<ModelDescription> = fc
  .record({
    input: fc.tuple(side, side, fc.constantFrom(1, 2, 3, 8)),
    convolutions: fc.array(
      fc.record({
        filters: fc.constantFrom(1, 3, 8, 11),
        kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
        stride: fc.integer({ min: 1, max: 3 }),
        padding: fc.constantFrom('same', 'valid'),
        activation: activations,
        pool: fc.constantFrom(undefined, 'maxPool2d', 'avgPool2d'),
        size: fc.integer({ min: 1, max: 3 }),
        step: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    poolFirst: fc.boolean(),
    loss: losses,
  })
  .map(({ input, convolutions, poolFirst, loss }) => ({
    input,
    layers: [
      ...(poolFirst ? [{ type: 'avgPool2d', size: 2, stride: 1 } as const] : []),
      ...convolutions.flatMap(({ pool, size, step, ...convolution }) => [
        { type: 'conv2d', ...convolution } as const,
        ...(pool === undefined ? [] : [{ type: pool, size, stride: step } as const]),
      ]),
      { type: 'flatten' } as const,
      dense(loss === 'cross-entropy' ? 3 : 1),
    ],
    loss,
  }))
  .filter(fits)

const odd = fc.constantFrom(3, 5)
const many = fc.constantFrom(8, 12)

/** Convolutions that are taken in points: kernels of 3 or 5 a side over many channels, with tiles past the image's edge. */
const tiledModels: fc.Arbitrary<ModelDescription> = fc
  .record({
    input: fc.tuple(fc.integer({ min: 5, max: 14 }), fc.integer({ min: 5, max: 14 }), many),
    below: many,
    filters: many,
    kernel: fc.tuple(odd, odd),
    padding: fc.constantFrom('same', 'valid'),
    activation: activations,
    loss: losses,
  })
  .map(({ input, below, filters, loss, ...convolution }) => ({
    input,
    layers: [
      { type: 'conv2d', filters: below, kernel: [1, 1], stride: 1, padding: 'same', activation: 'tanh' },
      { type: 'conv2d', filters, stride: 1, ...convolution },
      { type: 'maxPool2d', size: 1, stride: 2 },
      { type: 'flatten' },
      dense(loss === 'cross-entropy' ? 3 : 1),
    ],
    loss,
  }))

/** Dense layers with norms and dropout between, on numbers, on images or on an embedding. */
const normedModels: fc.Arbitrary<ModelDescription> = fc
  .record({
    kind: fc.constantFrom('numbers', 'image', 'words'),
    norm: fc.constantFrom(
      { type: 'layerNorm' } as const,
      { type: 'batchNorm' } as const,
      { type: 'groupNorm', groups: 1 } as const,
      {
        type: 'groupNorm',
        groups: 3,
      } as const,
    ),
    rate: fc.constantFrom(0, 0.3, 0.8),
    // Norms over one or two numbers leave no more than rounding errors to compare.
    width: fc.constantFrom(9, 12, 15),
    loss: losses,
  })
  .map(({ kind, norm, rate, width: channels, loss }) => {
    const bottoms: Readonly<Record<string, readonly Layer[]>> = {
      numbers: [dense(channels, 'tanh')],
      image: [
        { type: 'conv2d', filters: channels, kernel: [2, 3], stride: 1, padding: 'same', activation: 'linear' },
        norm,
        { type: 'maxPool2d', size: 2, stride: 1 },
        { type: 'dropout', rate },
        { type: 'flatten' },
        dense(channels, 'elu'),
      ],
      words: [
        { type: 'embedding', vocabulary: 5, width: channels },
        norm,
        { type: 'flatten' },
        dense(channels, 'softplus'),
      ],
    }
    const top: readonly Layer[] = [norm, { type: 'dropout', rate }, dense(loss === 'cross-entropy' ? 3 : 1)]
    return { input: kind === 'image' ? [4, 5, 2] : [4], layers: [...bottoms[kind], ...top], loss }
  })

const smooth = (kernel: readonly [number, number], filters = 3) =>
  ({ type: 'conv2d', kernel, filters, stride: 1, padding: 'same', activation: 'tanh' }) as const

const head: readonly Layer[] = [{ type: 'flatten' }, dense(1)]

/** One model a layer, small enough to nudge every parameter. */
const sloped: Readonly<Record<string, readonly Layer[]>> = {
  convolution: [{ ...smooth([2, 3]), stride: 2, padding: 'valid', activation: 'softplus' }, ...head],
  'convolution in points': [smooth([1, 1], 8), smooth([3, 5], 8), { type: 'avgPool2d', size: 3, stride: 3 }, ...head],
  'pooling by the largest': [smooth([3, 2], 2), { type: 'maxPool2d', size: 3, stride: 2 }, ...head],
  'group norm': [smooth([2, 2], 4), { type: 'groupNorm', groups: 2 }, ...head],
  'layer norm': [{ type: 'flatten' }, dense(5, 'elu'), { type: 'layerNorm' }, dense(1)],
  'batch norm': [smooth([2, 2]), { type: 'batchNorm' }, { type: 'flatten' }, dense(4), { type: 'batchNorm' }, dense(1)],
  dropout: [{ type: 'flatten' }, dense(6, 'tanh'), { type: 'dropout', rate: 0.4 }, dense(1)],
  embedding: [{ type: 'embedding', vocabulary: 4, width: 3 }, ...head],
}

function fits(model: ModelDescription): boolean {
  try {
    layOut(model)
    return true
  } catch {
    return false
  }
}

describe.each(variants)('compiled %s beside tfjs', (variant) => {
  test('dense models: loss, gradient, ten steps and predictions agree to 1e-4, whatever the shapes', async () => {
    await fc.assert(
      fc.asyncProperty(
        denseModels,
        fc.constantFrom('sgd', 'momentum', 'adam'),
        fc.integer({ min: 1, max: 11 }),
        fc.constantFrom(0, 0.01),
        fc.constantFrom(0, 0.1),
        async (model, optimiser, batchSize, weightDecay, proximal) => {
          const examples = someExamples(model, 10 * batchSize - Math.floor(batchSize / 2))
          const options = { ...settings, optimiser, batchSize, weightDecay, proximal, learningRate: 0.01 }
          expect(await compare(variant, model, examples, options)).toBeLessThan(1e-4)
        },
      ),
      { numRuns: 40, seed: 4 },
    )
  })

  test('class weights, focal loss, clipping and schedules: ten steps agree to 1e-4', async () => {
    await fc.assert(
      fc.asyncProperty(
        denseModels.filter(({ loss }) => loss !== 'mean-squared-error'),
        // Adam divides by the gradient's size: where a focal loss leaves next to none it would compare rounding errors.
        fc.constantFrom('sgd', 'momentum'),
        fc.record({
          focal: fc.constantFrom(0, 0.5, 1, 2),
          weigh: fc.boolean(),
          clipNorm: fc.constantFrom(undefined, 0.01, 100),
          schedule: fc.constantFrom(
            undefined,
            { warmUp: 3 },
            { warmUp: 2, decay: 'cosine' } as const,
            { decay: { every: 3, factor: 0.5 } } as const,
          ),
        }),
        async (model, optimiser, { weigh, ...chosen }) => {
          const examples = someExamples(model, 37)
          const classWeights = weigh ? [0.5, 2, 3].slice(0, model.loss === 'cross-entropy' ? 3 : 2) : undefined
          const options = { ...settings, ...chosen, optimiser, classWeights, batchSize: 4, learningRate: 0.01 }
          expect(await compare(variant, model, examples, options)).toBeLessThan(1e-4)
        },
      ),
      { numRuns: 30, seed: 4 },
    )
  })

  test('convolutions and pooling: the same, over strides, paddings and odd sizes', async () => {
    await fc.assert(
      fc.asyncProperty(imageModels, fc.integer({ min: 1, max: 5 }), async (model, batchSize) => {
        const examples = someExamples(model, 4 * batchSize - Math.floor(batchSize / 2))
        const options = { ...settings, optimiser: 'momentum', batchSize, learningRate: 0.01 } as const
        expect(await compare(variant, model, examples, options)).toBeLessThan(1e-4)
      }),
      { numRuns: 40, seed: 4 },
    )
  })

  test('convolutions in points: the same, whatever the tiles leave over', async () => {
    await fc.assert(
      fc.asyncProperty(tiledModels, fc.integer({ min: 1, max: 5 }), async (model, batchSize) => {
        const examples = someExamples(model, 2 * batchSize - Math.floor(batchSize / 2))
        const options = { ...settings, optimiser: 'momentum', batchSize, learningRate: 0.01 } as const
        expect(await compare(variant, model, examples, options)).toBeLessThan(1e-4)
      }),
      { numRuns: 8, seed: 4 },
    )
  })

  test('norms, dropout and embeddings: the same, and both engines drop the same numbers', async () => {
    await fc.assert(
      fc.asyncProperty(normedModels, fc.integer({ min: 1, max: 5 }), async (model, batchSize) => {
        const examples = someExamples(model, 4 * batchSize - Math.floor(batchSize / 2))
        const options = {
          ...settings,
          optimiser: 'momentum',
          batchSize,
          weightDecay: 0.01,
          learningRate: 0.01,
        } as const
        expect(await compare(variant, model, examples, options)).toBeLessThan(1e-4)
      }),
      { numRuns: 40, seed: 4 },
    )
  })

  test('the gradient is the slope of the loss, by central differences in every parameter', async () => {
    for (const loss of ['binary-cross-entropy', 'cross-entropy', 'mean-squared-error'] as const) {
      const model: ModelDescription = {
        input: [4],
        layers: [dense(5, 'tanh'), dense(3, 'sigmoid'), dense(loss === 'cross-entropy' ? 3 : 1)],
        loss,
      }
      await checkSlopes(variant, model, someExamples(model, 6))
    }
  })

  test.each(Object.entries(sloped))('the same for %s', async (_, layers) => {
    const words = layers[0].type === 'embedding'
    const model: ModelDescription = { input: words ? [4] : [6, 5, 2], layers, loss: 'mean-squared-error' }
    await checkSlopes(variant, model, someExamples(model, 5))
  })
})

async function checkSlopes(variant: Variant, model: ModelDescription, examples: Examples): Promise<void> {
  const trainer = await compiledTrainer({ variant })(model)
  const start = trainer.initial(new Stream('slopes'))
  const all = { ...settings, batchSize: examples.rows, learningRate: 1 }
  const { parameters } = await trainer.train(start, examples, all, new Stream('o'))
  const lossAt = async (point: Float32Array): Promise<number> =>
    (await trainer.train(point, examples, { ...all, learningRate: 0 }, new Stream('o'))).loss
  const step = 2e-3
  const tensors = layOut(model).layers.flatMap((layer) => layer.tensors)
  const following = tensors.filter(({ role }) => followsBatches(role))
  const slopes = new Float32Array(start.length)
  for (let i = 0; i < start.length; i++) {
    if (following.some(({ offset, size }) => i >= offset && i < offset + size)) continue
    const nudged = (by: number): Float32Array => start.map((value, j) => (j === i ? value + by : value))
    slopes[i] = ((await lossAt(nudged(step))) - (await lossAt(nudged(-step)))) / (2 * step)
  }
  const gradient = start.map((value, i) => value - parameters[i])
  for (const { offset, size } of following) gradient.fill(0, offset, offset + size)
  expect(distance(slopes, gradient)).toBeLessThan(2e-3)
}
