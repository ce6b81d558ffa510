/** Training in a browser, for a test to call from outside: the compiled engine, and TensorFlow.js on a backend. */

import { type Batches, epochBatches } from '../../../learning/engine/batches.ts'
import { chooseTrainer } from '../../../learning/engine/choose.ts'
import { pick } from '../../../learning/engine/early-stopping.ts'
import type { TfjsBackend } from '../../../learning/engine/tfjs/backend.ts'
import { Stream } from '../../../protocol/stream.ts'
import { examplesFor, hashOf, runs } from '../training-runs.ts'

async function trainedHash(name: string): Promise<string> {
  return hashOf(runs()[name])
}

/** The loss of a step on a backend, and the backend that the engine says it used. */
async function trainedOn(backend: TfjsBackend, wasmPath: string): Promise<{ backend: string; losses: number[] }> {
  const { model, options } = runs()['a network over columns']
  const trainer = await chooseTrainer({ prefer: 'tfjs', tfjs: { backend, wasmPath } })(model)
  const start = trainer.initial(new Stream('start'))
  const losses: number[] = []
  for (const epochs of [1, 4]) {
    const { loss } = await trainer.train(start, examplesFor(model, 40), { ...options, epochs }, new Stream('order'))
    losses.push(loss)
  }
  return { backend: trainer.backend, losses }
}

declare global {
  /** As a driver that is restarted does it: every context of this page is lost. The test has put it here. */
  var loseContexts: () => void
}

/** The context of the graphics card is lost in the middle of the second epoch; beside it, the backend that was left from the start. */
async function trainedThroughLoss(
  wasmPath: string,
): Promise<{ backends: string[]; equal: boolean; predicted: boolean }> {
  const { model, options } = runs()['a network over columns']
  const examples = examplesFor(model, 40)
  let batches = 0
  const losing: Batches = {
    ...{ rows: examples.rows, features: examples.features },
    async *epoch(batchSize, stream) {
      for (const batch of epochBatches(examples.rows, batchSize, stream)) {
        if (++batches === 8) loseContexts()
        yield pick(examples, batch)
      }
    },
  }
  const trainer = await chooseTrainer({ prefer: 'tfjs', tfjs: { wasmPath } })(model)
  const backends = [trainer.backend]
  const start = trainer.initial(new Stream('start'))
  const trained = await trainer.train(start, losing, { ...options, epochs: 3 }, new Stream('order'))
  backends.push(trainer.backend)
  const other = await chooseTrainer({ prefer: 'tfjs', tfjs: { backend: 'wasm', wasmPath } })(model)
  const plain = await other.train(start, examples, { ...options, epochs: 3 }, new Stream('order'))
  const predictions = await trainer.predict(trained.parameters, examples.x, examples.rows)
  return {
    backends,
    equal: trained.parameters.every((value, i) => value === plain.parameters[i]),
    predicted: predictions.every((value) => Number.isFinite(value)) && new Set(predictions).size > 10,
  }
}

const chosen = async (): Promise<string> => (await chooseTrainer()(runs()['a network over columns'].model)).backend

Object.assign(globalThis, { trainedHash, trainedOn, trainedThroughLoss, chosen })
