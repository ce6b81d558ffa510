import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { TfjsBackend } from '../../../learning/engine/tfjs/backend.ts'
import { tfjsTrainer } from '../../../learning/engine/tfjs/trainer.ts'
import { Stream } from '../../../protocol/stream.ts'
import { options, small, someExamples, trainerContract } from '../../contracts/trainer.ts'

for (const backend of ['cpu', 'wasm'] satisfies TfjsBackend[]) {
  describe(`tfjs ${backend}`, () => {
    trainerContract(tfjsTrainer({ backend }))

    test('no tensor outlives a call', async () => {
      const model = small['three classes']
      const trainer = await tfjsTrainer({ backend })(model)
      const examples = someExamples(model, 30)
      const start = trainer.initial(new Stream('start'))
      const before = tf.memory().numTensors
      for (const optimiser of ['sgd', 'momentum', 'adam'] as const) {
        await trainer.train(
          start,
          examples,
          { ...options, optimiser, proximal: 0.1, weightDecay: 0.1 },
          new Stream('order'),
        )
      }
      await trainer.predict(start, examples.x, 30)
      await expect(
        trainer.train(start, { ...examples, x: examples.x.map(() => Number.NaN) }, options, new Stream('o')),
      ).rejects.toThrow()
      trainer.dispose()
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}

test('a backend that is not there is refused by name', async () => {
  await expect(tfjsTrainer({ backend: 'webgpu' })(small.regression)).rejects.toMatchObject({ code: 'ERR_BACKEND' })
})
