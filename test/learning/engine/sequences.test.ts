import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { chooseTrainer } from '../../../learning/engine/choose.ts'
import { tfjsTrainer } from '../../../learning/engine/tfjs/trainer.ts'
import type { ModelDescription } from '../../../learning/models/description.ts'
import { models } from '../../../learning/models/index.ts'
import { layOut } from '../../../learning/models/layout.ts'
import type { Label } from '../../../protocol/schema.ts'
import { Stream } from '../../../protocol/stream.ts'
import { options, someExamples } from '../../contracts/trainer.ts'

const label: Label = { column: 'y', type: 'binary', missing: [], positive: ['1'], negative: ['0'] }
const data = { features: 15, label }

const described: Readonly<Record<string, ModelDescription>> = {
  rnn: models.recurrent.describe({ steps: 5, cell: 'rnn', units: [4] }, data),
  gru: models.recurrent.describe({ steps: 5, cell: 'gru', units: [4, 3] }, data),
  lstm: models.recurrent.describe({ steps: 5, cell: 'lstm', units: [4, 3] }, data),
  transformer: models.transformer.describe({ steps: 5, blocks: 2, width: 4, heads: 2, hidden: 6 }, data),
}

/** The library's own layers with the same numbers. */
const libraryCells = {
  rnn: (units: number) => tf.layers.simpleRNN({ units, inputShape: [5, 3] }),
  gru: (units: number) => tf.layers.gru({ units, inputShape: [5, 3], recurrentActivation: 'sigmoid' }),
  lstm: (units: number) => tf.layers.lstm({ units, inputShape: [5, 3], recurrentActivation: 'sigmoid' }),
}

test.each(['rnn', 'gru', 'lstm'] as const)("%s: predictions are those of the library's own layer", async (cell) => {
  const model = models.recurrent.describe({ steps: 5, cell, units: [4] }, data)
  const trainer = await tfjsTrainer({ backend: 'cpu' })(model)
  const parameters = trainer.initial(new Stream('start')).map((value, i) => value + 0.05 * ((i % 5) - 2))
  const tensors = layOut(model).layers.flatMap((layer) => layer.tensors)
  const weights = tensors.map(({ offset, size, shape }) =>
    tf.tensor(parameters.slice(offset, offset + size), [...shape]),
  )
  const library = tf.sequential({
    layers: [libraryCells[cell](4), tf.layers.dense({ units: 1, activation: 'sigmoid' })],
  })
  library.setWeights(weights)
  const { x } = someExamples(model, 7)
  const theirs = library.predict(tf.tensor(x, [7, 5, 3]))
  if (Array.isArray(theirs)) throw new Error('one output was expected')
  const ours = await trainer.predict(parameters, x, 7)
  for (const [i, value] of theirs.dataSync().entries()) expect(ours[i]).toBeCloseTo(value, 5)
})

describe.each(Object.entries(described))('%s', (_, model) => {
  test('the gradient is the slope of the loss, by central differences', async () => {
    const trainer = await tfjsTrainer({ backend: 'cpu' })(model)
    const examples = someExamples(model, 6)
    const start = trainer.initial(new Stream('slopes'))
    const all = { ...options, epochs: 1, batchSize: 6, learningRate: 1 }
    const { parameters } = await trainer.train(start, examples, all, new Stream('o'))
    const lossAt = async (point: Float32Array): Promise<number> =>
      (await trainer.train(point, examples, { ...all, learningRate: 0 }, new Stream('o'))).loss
    const step = 2e-3
    for (let i = 0; i < start.length; i += 7) {
      const nudged = (by: number): Float32Array => start.map((value, j) => (j === i ? value + by : value))
      const slope = ((await lossAt(nudged(step))) - (await lossAt(nudged(-step)))) / (2 * step)
      expect(start[i] - parameters[i]).toBeCloseTo(slope, 2)
    }
  })

  test.each(['cpu', 'wasm'] as const)('training on %s lowers the loss', async (backend) => {
    const trainer = await tfjsTrainer({ backend })(model)
    const examples = someExamples(model, 40)
    const start = trainer.initial(new Stream('start'))
    const settings = { ...options, optimiser: 'adam', learningRate: 0.01, batchSize: 20 } as const
    const first = await trainer.train(start, examples, { ...settings, epochs: 1 }, new Stream('order'))
    const later = await trainer.train(start, examples, { ...settings, epochs: 12 }, new Stream('order'))
    expect(later.loss).toBeLessThan(first.loss)
  })

  test('it runs on TensorFlow.js by itself, and the compiled engine refuses it', async () => {
    const lines: string[] = []
    await chooseTrainer({ report: (line) => lines.push(line) })(model)
    expect(lines[0]).toMatch(/^engine: tfjs /)
    await expect(chooseTrainer({ prefer: 'compiled' })(model)).rejects.toMatchObject({ code: 'ERR_ENGINE' })
  })
})

test('a row that does not divide into the steps is refused', () => {
  expect(() => models.recurrent.describe({ steps: 4 }, data)).toThrow(
    expect.objectContaining({ code: 'ERR_MODEL_SHAPE', where: 'model.steps' }),
  )
})

test('heads that do not divide the width are refused', async () => {
  const wrong = models.transformer.describe({ steps: 5, width: 6, heads: 4 }, data)
  await expect(chooseTrainer()(wrong)).rejects.toMatchObject({ code: 'ERR_MODEL_SHAPE' })
})
