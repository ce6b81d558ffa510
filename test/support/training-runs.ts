/** Training runs that end with a hash: for the same code in Node and in a browser to be held against each other. */

import { sha256 } from '@noble/hashes/sha2.js'
import { compiledTrainer } from '../../learning/engine/compiled/trainer.ts'
import type { Examples, TrainOptions } from '../../learning/engine/trainer.ts'
import type { ModelDescription } from '../../learning/models/description.ts'
import { product } from '../../learning/models/layout.ts'
import { toHex } from '../../protocol/bytes.ts'
import { Stream } from '../../protocol/stream.ts'

export interface Run {
  readonly model: ModelDescription
  readonly options: TrainOptions
}

const relu = (units: number) => ({ type: 'dense', units, activation: 'relu' }) as const
const logits = { type: 'dense', units: 3, activation: 'linear' } as const
const settings = { epochs: 2, batchSize: 7, learningRate: 0.05 } as const

/** Made anew at each call, for their chance is used up. */
export const runs = (): Readonly<Record<string, Run>> => ({
  'a network over columns': {
    model: {
      input: [13],
      layers: [
        relu(33),
        { type: 'batchNorm' },
        { type: 'dense', units: 17, activation: 'tanh' },
        { type: 'dropout', rate: 0.3 },
        { type: 'dense', units: 9, activation: 'softplus' },
        { type: 'layerNorm' },
        { type: 'dense', units: 6, activation: 'elu' },
        { type: 'dense', units: 1, activation: 'linear' },
      ],
      loss: 'binary-cross-entropy',
    },
    options: { ...settings, optimiser: 'adam', schedule: { warmUp: 2, decay: 'cosine' }, focal: 1.5, clipNorm: 1 },
  },
  'a network over images, moved and mirrored': {
    model: {
      input: [12, 10, 2],
      layers: [
        { type: 'conv2d', filters: 8, kernel: [3, 2], stride: 1, padding: 'same', activation: 'relu' },
        { type: 'maxPool2d', size: 2, stride: 2 },
        { type: 'conv2d', filters: 12, kernel: [5, 3], stride: 1, padding: 'same', activation: 'sigmoid' },
        { type: 'groupNorm', groups: 3 },
        { type: 'avgPool2d', size: 2, stride: 1 },
        { type: 'flatten' },
        logits,
      ],
      loss: 'cross-entropy',
    },
    options: { ...settings, optimiser: 'momentum', weightDecay: 0.01, augmentation: { shift: 2, flip: true } },
  },
  'an embedding with private steps': {
    model: {
      input: [6],
      layers: [{ type: 'embedding', vocabulary: 9, width: 5 }, { type: 'flatten' }, relu(8), logits],
      loss: 'cross-entropy',
    },
    options: {
      ...settings,
      optimiser: 'sgd',
      privacy: { clippingNorm: 0.5, noiseMultiplier: 1, batchRate: 0.2, random: seededBytes('noise') },
    },
  },
})

/** SHA-256 of the parameters after training with SIMD128, and of the predictions they give. */
export async function hashOf({ model, options }: Run): Promise<string> {
  const trainer = await compiledTrainer({ variant: 'simd128' })(model)
  const examples = examplesFor(model, 40)
  const { parameters } = await trainer.train(
    trainer.initial(new Stream('start')),
    examples,
    options,
    new Stream('order'),
  )
  const predictions = await trainer.predict(parameters, examples.x, examples.rows)
  const hash = sha256.create()
  for (const { buffer, byteOffset, byteLength } of [parameters, predictions]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return toHex(hash.digest())
}

export function examplesFor(model: ModelDescription, rows: number): Examples {
  const stream = new Stream('examples')
  const features = product(model.input)
  const [first] = model.layers
  const number = (): number => (first.type === 'embedding' ? stream.below(first.vocabulary) : stream.normal())
  return {
    rows,
    features,
    x: Float32Array.from({ length: rows * features }, number),
    y: Float32Array.from({ length: rows }, () => stream.below(model.loss === 'cross-entropy' ? 3 : 2)),
  }
}

/** Chance that repeats itself: the secret of a run, only here. */
function seededBytes(label: string) {
  const stream = new Stream(label)
  return { bytes: (length: number) => Uint8Array.from({ length }, () => stream.uint32() & 0xff) }
}
