/** Training in a browser, for a test to call from outside: the compiled engine, and TensorFlow.js on a backend. */

import { chooseTrainer } from '../../../learning/engine/choose.ts'
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

const chosen = async (): Promise<string> => (await chooseTrainer()(runs()['a network over columns'].model)).backend

Object.assign(globalThis, { trainedHash, trainedOn, chosen })
