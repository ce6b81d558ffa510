/** Share of 2,000 MNIST digits named right after training on 10,000 others: the 2NN and the CNN of McMahan et al. 2017. */

import { compiledTrainer } from '../learning/engine/compiled/trainer.ts'
import type { TrainOptions } from '../learning/engine/trainer.ts'
import type { ModelDescription } from '../learning/models/description.ts'
import { models } from '../learning/models/index.ts'
import type { Label } from '../protocol/schema.ts'
import { Stream } from '../protocol/stream.ts'
import { accuracy, mnist, mnistIsHere } from './mnist.ts'
import type { BenchOptions, BenchResult } from './result.ts'

const label: Label = { column: 'digit', type: 'class', missing: [], classes: [...'0123456789'] }
const data = { features: 784, label }

export interface Study {
  readonly model: ModelDescription
  readonly options: TrainOptions
  /** The share that is asked for. */
  readonly target: number
}

export const studies = {
  '2nn': {
    model: models.mlp.describe({ hidden: [200, 200] }, data),
    options: { epochs: 20, batchSize: 10, optimiser: 'sgd', learningRate: 0.05 },
    target: 0.955,
  },
  cnn: {
    model: models.cnn.describe({}, data),
    options: { epochs: 8, batchSize: 32, optimiser: 'momentum', learningRate: 0.01, schedule: { decay: 'cosine' } },
    target: 0.98,
  },
} satisfies Readonly<Record<string, Study>>

/** With SIMD128, so that every machine gets the same figures. Nothing where the digits are not at hand. */
export async function digits({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  if (!mnistIsHere) {
    progress('needs ../shared/data/mnist-subset')
    return []
  }
  const results: BenchResult[] = []
  for (const [name, study] of Object.entries(studies)) {
    const epochs = quick ? 1 : study.options.epochs
    const value = await learn({ ...study, options: { ...study.options, epochs } })
    progress(`${name}, ${epochs} epochs: ${value}`)
    results.push({
      name: `digits ${name}`,
      value,
      unit: 'share right',
      reference: study.target,
      ratio: value / study.target,
    })
  }
  return results
}

/** Trains, and returns the share of the test digits that is named right. */
export async function learn({ model, options }: Study): Promise<number> {
  const trainer = await compiledTrainer({ variant: 'simd128' })(model)
  const start = trainer.initial(new Stream('start'))
  const { parameters } = await trainer.train(start, mnist('train10k'), options, new Stream('order'))
  const { x, y, rows } = mnist('test2k')
  return accuracy(await trainer.predict(parameters, x, rows), y)
}
