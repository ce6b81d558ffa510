/** What every engine refuses before it computes: examples, labels and parameters that do not fit the model. */

import { InputError } from '../../protocol/errors.ts'
import type { Loss } from '../models/description.ts'
import { classCount, type Layout } from '../models/layout.ts'
import type { Batches, Examples } from './batches.ts'

/** Labels a row. */
export const targetsOf = (layout: Layout, loss: Loss): number => (loss === 'mean-squared-error' ? layout.outputs : 1)

export const isStreamed = (examples: Examples | Batches): examples is Batches => 'epoch' in examples

/** @throws InputError ERR_EXAMPLES_SHAPE, ERR_LABEL_RANGE */
export function checkExamples(layout: Layout, loss: Loss, examples: Examples): void {
  const { rows, features, x, y } = examples
  if (rows < 1) throw new InputError('ERR_EXAMPLES_SHAPE', 'training needs at least one row, found none')
  if (features !== layout.features || x.length !== rows * features) {
    throw new InputError(
      'ERR_EXAMPLES_SHAPE',
      `the model takes ${layout.features} numbers a row; found ${rows} rows of ${features} in ${x.length} numbers`,
    )
  }
  checkIndices(layout, x)
  const targets = targetsOf(layout, loss)
  if (y.length !== rows * targets) {
    throw new InputError('ERR_EXAMPLES_SHAPE', `${rows} rows need ${rows * targets} labels, found ${y.length}`)
  }
  if (loss === 'mean-squared-error') return
  const classes = classCount(layout, loss)
  const wrong = y.findIndex((label) => !(label >= 0 && label < classes && Number.isInteger(label)))
  if (wrong >= 0) {
    throw new InputError(
      'ERR_LABEL_RANGE',
      `row ${wrong}: expected a class from 0 to ${classes - 1}, found the label ${y[wrong]}`,
    )
  }
}

/** @throws InputError ERR_PARAMETERS_SHAPE */
export function checkParameters(layout: Layout, parameters: Float32Array): void {
  if (parameters.length === layout.parameters) return
  throw new InputError(
    'ERR_PARAMETERS_SHAPE',
    `the model has ${layout.parameters} parameters, found ${parameters.length}`,
  )
}

/** @throws InputError ERR_EXAMPLES_SHAPE */
export function checkInputs(layout: Layout, x: Float32Array, rows: number): void {
  if (x.length !== rows * layout.features) {
    throw new InputError(
      'ERR_EXAMPLES_SHAPE',
      `${rows} rows of ${layout.features} numbers were expected, found ${x.length} numbers`,
    )
  }
  checkIndices(layout, x)
}

/** An index past the table would read whatever stands behind it. */
function checkIndices({ vocabulary, features }: Layout, x: Float32Array): void {
  if (vocabulary === undefined) return
  const wrong = x.findIndex((index) => !(index >= 0 && index < vocabulary && Number.isInteger(index)))
  if (wrong < 0) return
  throw new InputError(
    'ERR_INDEX_RANGE',
    `row ${Math.floor(wrong / features)}: expected whole numbers from 0 to ${vocabulary - 1}, found ${x[wrong]}`,
  )
}

/** The loss left the numbers: the parameters that were last good travel with the error, so that work is not lost. */
export class LossNotFiniteError extends InputError {
  readonly step: number
  /** As they stood at the start of the epoch in which it happened. */
  readonly parameters: Float32Array

  constructor(step: number, loss: number, parameters: Float32Array, cause: string) {
    super('ERR_LOSS_NOT_FINITE', `the loss is ${loss} at step ${step}: ${cause}`)
    this.step = step
    this.parameters = parameters
  }
}

/** Where a loss that is not finite came from: a row of the examples, or the first tensor that overflowed. */
export function causeOf(layout: Layout, examples: Examples | undefined, now: Float32Array): string {
  const bad = examples && badNumber(examples)
  if (bad !== undefined) return bad
  const tensors = layout.layers.flatMap((layer) => layer.tensors)
  const broken = tensors.find(({ offset, size }) => !now.subarray(offset, offset + size).every(Number.isFinite))
  const where = broken === undefined ? 'the outputs' : `the parameters ${broken.name}`
  return `${where} overflowed; a smaller learning rate or scaled features usually help`
}

function badNumber({ rows, features, x, y }: Examples): string | undefined {
  const wrong = x.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) return `row ${Math.floor(wrong / features)} holds ${x[wrong]} in column ${wrong % features}`
  const label = y.findIndex((value) => !Number.isFinite(value))
  if (label >= 0) return `row ${Math.floor((label * rows) / y.length)} has the label ${y[label]}`
  return undefined
}
