/** The schema of a model's description, for descriptions that come from a file. */

import * as z from 'zod'
import type { ModelDescription } from './description.ts'

const size = z.int().min(1).max(1_000_000)
const activation = z.enum(['linear', 'relu', 'leaky-relu', 'elu', 'softplus', 'sigmoid', 'tanh'])

const recurrent = <Type extends 'rnn' | 'gru' | 'lstm'>(type: Type) =>
  z.strictObject({ type: z.literal(type), units: size, sequences: z.boolean() })
const pool = <Type extends 'maxPool2d' | 'avgPool2d'>(type: Type) =>
  z.strictObject({ type: z.literal(type), size, stride: size })

const layer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('dense'), units: size, activation }),
  z.strictObject({
    type: z.literal('conv2d'),
    filters: size,
    kernel: z.tuple([size, size]),
    stride: size,
    padding: z.enum(['same', 'valid']),
    activation,
  }),
  pool('maxPool2d'),
  pool('avgPool2d'),
  z.strictObject({ type: z.literal('flatten') }),
  z.strictObject({ type: z.literal('groupNorm'), groups: size }),
  z.strictObject({ type: z.literal('layerNorm') }),
  z.strictObject({ type: z.literal('batchNorm') }),
  z.strictObject({ type: z.literal('embedding'), vocabulary: size, width: size }),
  z.strictObject({ type: z.literal('dropout'), rate: z.number().min(0).max(0.95) }),
  recurrent('rnn'),
  recurrent('gru'),
  recurrent('lstm'),
  z.strictObject({ type: z.literal('places'), width: size }),
  z.strictObject({ type: z.literal('transformer'), heads: size, hidden: size }),
  z.strictObject({ type: z.literal('meanSteps') }),
])

export const modelDescriptionSchema: z.ZodType<ModelDescription> = z.strictObject({
  input: z.array(size).min(1).max(8),
  layers: z.array(layer).min(1).max(1000),
  loss: z.enum(['binary-cross-entropy', 'cross-entropy', 'mean-squared-error']),
})
