/** What can be chosen about training, with its ranges: the part a plan may set, and the check every engine begins with. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { check } from '../../protocol/plan.ts'
import type { Loss } from '../models/description.ts'
import { classCount, type Layout } from '../models/layout.ts'
import type { Batches, Examples } from './batches.ts'
import { setApart } from './early-stopping.ts'
import { checkExamples, checkParameters, isStreamed } from './examples.ts'
import type { TrainOptions } from './trainer.ts'

const rate = z.number().min(0).max(1000)

const decay = z.union([
  z.enum(['none', 'cosine']),
  z.strictObject({ every: z.int().min(1).max(1e9), factor: z.number().min(0).max(1) }),
])

/** The fields a plan's algorithm takes up into its own options: `z.strictObject({ ...localTraining, rounds })`. */
export const localTraining = {
  batchSize: z.int().min(1).max(1_000_000).default(32),
  optimiser: z.enum(['sgd', 'momentum', 'adam']).default('sgd'),
  learningRate: rate.default(0.1),
  weightDecay: z.number().min(0).max(100).default(0),
  proximal: rate.default(0),
  schedule: z.strictObject({ warmUp: z.int().min(0).max(1e9).default(0), decay: decay.default('none') }).optional(),
  clipNorm: z.number().positive().max(1e9).optional(),
  classWeights: z.array(z.number().min(0).max(1e6)).min(2).max(100_000).optional(),
  focal: z.number().min(0).max(10).default(0),
  /** On a share of the site's own training rows. */
  earlyStopping: z
    .strictObject({ patience: z.int().min(1).max(1e6), share: z.number().min(0.01).max(0.5).default(0.1) })
    .optional(),
  augmentation: z
    .strictObject({ shift: z.int().min(0).max(1024).default(0), flip: z.boolean().default(false) })
    .optional(),
}

const trainOptions = z.object({
  ...localTraining,
  epochs: z.int().min(1),
  earlyStopping: z.object({ patience: z.int().min(1), share: z.number().min(0.01).max(0.5).optional() }).optional(),
  privacy: z
    .object({
      clippingNorm: z.number().positive().max(1e9),
      noiseMultiplier: z.number().min(0).max(1e6),
      batchRate: z.number().positive().max(1),
    })
    .optional(),
})

/** Every number within its range, and choices that go together. @throws InputError ERR_TRAIN_OPTIONS */
function checkOptions(layout: Layout, loss: Loss, options: TrainOptions): void {
  checkTensors(layout, options)
  const { classWeights, focal, privacy, clipNorm, earlyStopping, augmentation } = check(
    trainOptions,
    options,
    [],
    'ERR_TRAIN_OPTIONS',
  )
  const refuse = (name: string, message: string): InputError => new InputError('ERR_TRAIN_OPTIONS', message, name)
  if (loss === 'mean-squared-error' && (classWeights !== undefined || focal > 0)) {
    throw refuse('classWeights', 'class weights and focal loss need a classifier, found a model of numbers')
  }
  const classes = classCount(layout, loss)
  if (classWeights !== undefined && classWeights.length !== classes) {
    throw refuse('classWeights', `expected ${classes} numbers, one a class, found ${classWeights.length}`)
  }
  if (augmentation !== undefined && layout.layers[0].input.length !== 3) {
    throw refuse('augmentation', 'only images of [height, width, channels] can be moved and mirrored')
  }
  if (privacy === undefined) return
  if (layout.layers.some(({ layer }) => layer.type === 'batchNorm')) {
    throw refuse('privacy', 'batch norm mixes the rows of a batch; private steps need group norm or layer norm')
  }
  if (clipNorm !== undefined) throw refuse('clipNorm', 'private steps clip each row already; leave it out')
  if (earlyStopping !== undefined) {
    throw refuse(
      'earlyStopping',
      'a stop chosen by validation rows tells about them; private steps need a fixed number',
    )
  }
}

/** What a run trains on, and what early stopping judges by, after every check. @throws InputError ERR_* */
export function checkRun(
  layout: Layout,
  loss: Loss,
  parameters: Float32Array,
  examples: Examples | Batches,
  options: TrainOptions,
): { readonly examples: Examples | Batches; readonly validation: Examples | undefined } {
  checkParameters(layout, parameters)
  checkOptions(layout, loss, options)
  if (isStreamed(examples)) {
    checkStreamed(options)
    return { examples, validation: options.earlyStopping?.validation }
  }
  checkExamples(layout, loss, examples)
  const { training, validation } = setApart(examples, options)
  return { examples: training, validation }
}

/** What rows that pass by cannot be used for. @throws InputError ERR_TRAIN_OPTIONS */
function checkStreamed({ privacy, earlyStopping }: TrainOptions): void {
  const refuse = (name: string, message: string): InputError => new InputError('ERR_TRAIN_OPTIONS', message, name)
  if (privacy !== undefined) {
    throw refuse('privacy', 'private steps draw each row by chance at every step: the rows must fit into memory')
  }
  if (earlyStopping !== undefined && earlyStopping.validation === undefined) {
    throw refuse('earlyStopping', 'rows that are streamed cannot be set apart: give validation rows')
  }
}

/** A drift and frozen tensors are an algorithm's, never a person's: what does not fit the model is its fault or another model's. */
function checkTensors(layout: Layout, { drift, frozen = [] }: TrainOptions): void {
  if (drift !== undefined && drift.length !== layout.parameters) {
    const found = `found ${drift.length}`
    throw new InputError(
      'ERR_TRAIN_OPTIONS',
      `expected ${layout.parameters} numbers, one a parameter, ${found}`,
      'drift',
    )
  }
  const names = layout.layers.flatMap(({ tensors }) => tensors.map(({ name }) => name))
  const unknown = frozen.find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new InputError('ERR_TRAIN_OPTIONS', `expected names among ${names.join(', ')}; found "${unknown}"`, 'frozen')
}
