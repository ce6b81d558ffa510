/** Share of 2,000 MNIST digits named right after training on 10,000 others: the 2NN and the CNN of McMahan et al. 2017. */

import { compiledTrainer } from '../learning/engine/compiled/trainer.ts'
import type { Examples, TrainOptions } from '../learning/engine/trainer.ts'
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
  /** Settings to choose among, by how well they do on training digits that are set apart; the test digits have no say. */
  readonly candidates: readonly TrainOptions[]
  /** The one that was chosen so. */
  readonly options: TrainOptions
  /** The share that is asked for. */
  readonly target: number
}

const small = { epochs: 20, batchSize: 10, optimiser: 'sgd', learningRate: 0.05 } as const
const large = {
  epochs: 8,
  batchSize: 32,
  optimiser: 'momentum',
  learningRate: 0.01,
  schedule: { decay: 'cosine' },
} as const

export const studies = {
  '2nn': {
    model: models.mlp.describe({ hidden: [200, 200] }, data),
    candidates: [small, { ...small, learningRate: 0.02 }, { ...small, batchSize: 32, learningRate: 0.1 }],
    options: small,
    target: 0.955,
  },
  cnn: {
    model: models.cnn.describe({}, data),
    candidates: [large, { ...large, learningRate: 0.02 }],
    options: large,
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
  const add = (name: string, value: number, reference: number | null): void => {
    progress(`${name}: ${value}`)
    const ratio = reference === null ? null : value / reference
    results.push({ name: `digits ${name}`, value, unit: 'share right', reference, ratio })
  }
  const [fitting, apart] = divided(mnist('train10k'), 8000)
  for (const [name, { model, candidates, options, target }] of Object.entries<Study>(studies)) {
    const shortened = (chosen: TrainOptions): TrainOptions => (quick ? { ...chosen, epochs: 1 } : chosen)
    for (const candidate of quick ? [] : candidates) {
      const { batchSize, learningRate } = candidate
      const share = await learn({ model, options: candidate }, fitting, apart)
      add(`${name}, batch ${batchSize}, rate ${learningRate}, 2,000 training digits set apart`, share, null)
    }
    add(name, await learn({ model, options: shortened(options) }), target)
  }
  return results
}

/** Trains, and returns the share of the judged digits that is named right. */
export async function learn(
  { model, options }: Pick<Study, 'model' | 'options'>,
  training = mnist('train10k'),
  { x, y, rows } = mnist('test2k'),
): Promise<number> {
  const trainer = await compiledTrainer({ variant: 'simd128' })(model)
  const start = trainer.initial(new Stream('start'))
  const { parameters } = await trainer.train(start, training, options, new Stream('order'))
  return accuracy(await trainer.predict(parameters, x, rows), y)
}

function divided({ rows, features, x, y }: Examples, first: number): readonly [Examples, Examples] {
  const part = (from: number, to: number): Examples => ({
    rows: to - from,
    features,
    x: x.subarray(from * features, to * features),
    y: y.subarray(from, to),
  })
  return [part(0, first), part(first, rows)]
}
