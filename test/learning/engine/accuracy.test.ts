import { expect, test } from 'vitest'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { models } from '../../../learning/models/index.ts'
import type { Label } from '../../../protocol/schema.ts'
import { Stream } from '../../../protocol/stream.ts'
import { accuracy, mnist, mnistIsHere } from './mnist.ts'

const label = {
  column: 'digit',
  type: 'class',
  missing: [],
  classes: Array.from({ length: 10 }, (_, i) => `${i}`),
} satisfies Label

test.skipIf(!mnistIsHere)(
  'the 2NN learns 10,000 digits to 95.5 % in 20 epochs (needs ../shared/data/mnist-subset)',
  async () => {
    const trainer = await compiledTrainer({ variant: 'simd128' })(
      models.mlp.describe({ hidden: [200, 200] }, { features: 784, label }),
    )
    const options = { epochs: 20, batchSize: 32, optimiser: 'sgd', learningRate: 0.1 } as const
    const { parameters } = await trainer.train(
      trainer.initial(new Stream('start')),
      mnist('train10k'),
      options,
      new Stream('order'),
    )
    const test2k = mnist('test2k')
    expect(accuracy(await trainer.predict(parameters, test2k.x, test2k.rows), test2k.y)).toBeGreaterThanOrEqual(0.955)
  },
)
