/**
 * The convolutional network of McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from
 * Decentralized Data", section 3: two 5 x 5 convolutions with pooling, then a dense layer. 1,663,370 parameters on MNIST.
 */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { head, model } from './model.ts'

const options = z.strictObject({
  /** Height, width, channels of an image; left out, the data's own image, or a square and grey one. */
  image: z.tuple([z.int().min(1).max(4096), z.int().min(1).max(4096), z.int().min(1).max(64)]).optional(),
  filters: z.array(z.int().min(1).max(1024)).min(1).max(16).default([32, 64]),
  kernel: z.int().min(1).max(15).default(5),
  hidden: z.int().min(1).max(16_384).default(512),
  /** Group norm in this many groups behind every convolution; 0 for none. Each of `filters` is a multiple of it. */
  groups: z.int().min(0).max(1024).default(0),
  /** Batch norm behind every convolution instead. */
  batchNorm: z.boolean().default(false),
  pooling: z.enum(['max', 'mean']).default('max'),
})

export const cnn = model(
  options,
  ({ image, filters, kernel, hidden, groups, batchNorm, pooling }, { features, label, image: given }) => {
    const side = Math.round(Math.sqrt(features))
    const input = image ?? given ?? [side, side, 1]
    if (input[0] * input[1] * input[2] !== features) {
      throw new InputError(
        'ERR_MODEL_SHAPE',
        `an image of [${input.join(', ')}] has ${input[0] * input[1] * input[2]} numbers; the data has ${features} a row`,
        'model.image',
      )
    }
    const { units, loss } = head(label)
    return {
      input,
      layers: [
        ...filters.flatMap((count) => [
          {
            type: 'conv2d' as const,
            filters: count,
            kernel: [kernel, kernel] as const,
            stride: 1,
            padding: 'same' as const,
            activation: 'relu' as const,
          },
          ...(groups > 0 ? [{ type: 'groupNorm' as const, groups }] : []),
          ...(batchNorm ? [{ type: 'batchNorm' as const }] : []),
          { type: pooling === 'max' ? ('maxPool2d' as const) : ('avgPool2d' as const), size: 2, stride: 2 },
        ]),
        { type: 'flatten' as const },
        { type: 'dense' as const, units: hidden, activation: 'relu' as const },
        { type: 'dense' as const, units, activation: 'linear' as const },
      ],
      loss,
    }
  },
)
