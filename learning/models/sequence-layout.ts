/** Shapes and tensors of the layers over sequences of [steps, channels]. */

import { unreachable } from '../../protocol/errors.ts'
import type { RecurrentLayer, SequenceLayer } from './description.ts'
import { type Placement, shapeError } from './placement.ts'

/** Gates of a cell, side by side in its kernels, in the order of the library's own layers. */
export const gates = { rnn: 1, gru: 3, lstm: 4 } as const

/** @throws InputError ERR_MODEL_SHAPE */
export function placeSequence(layer: SequenceLayer, input: readonly number[], where: string): Placement {
  if (input.length !== 2) throw shapeError(where, 'expected a sequence of [steps, channels]', input)
  const [steps, channels] = input
  switch (layer.type) {
    case 'rnn':
    case 'gru':
    case 'lstm':
      return placeRecurrent(layer, steps, channels)
    case 'places': {
      const tensors = [kernel('projection', channels, layer.width), kernel('places', steps, layer.width)]
      return { output: [steps, layer.width], tensors }
    }
    case 'transformer':
      if (channels % layer.heads !== 0) {
        throw shapeError(where, `the channels must be a multiple of ${layer.heads} heads`, input)
      }
      return { output: input, tensors: transformerTensors(channels, layer.hidden) }
    case 'meanSteps':
      return { output: [channels], tensors: [] }
    default:
      return unreachable(layer)
  }
}

function placeRecurrent({ type, units, sequences }: RecurrentLayer, steps: number, channels: number): Placement {
  const width = gates[type] * units
  const tensors = [kernel('input', channels, width), kernel('state', units, width), bias('gates', width)]
  return { output: sequences ? [steps, units] : [units], tensors }
}

const transformerTensors = (width: number, hidden: number): Placement['tensors'] => [
  { part: 'attention', role: 'scale', shape: [width] },
  bias('attention', width),
  kernel('projections', width, 3 * width),
  bias('projections', 3 * width),
  kernel('heads', width, width),
  bias('heads', width),
  { part: 'dense', role: 'scale', shape: [width] },
  bias('dense', width),
  kernel('up', width, hidden),
  bias('up', hidden),
  kernel('down', hidden, width),
  bias('down', width),
]

const kernel = (part: string, rows: number, columns: number) =>
  ({ part, role: 'kernel', shape: [rows, columns] }) as const

const bias = (part: string, length: number) => ({ part, role: 'bias', shape: [length] }) as const
