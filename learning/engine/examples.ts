/** What every engine refuses before it computes: examples, labels and parameters that do not fit the model. */

import { InputError } from '../../protocol/errors.ts'
import type { Loss } from '../models/description.ts'
import { classCount, type Layout } from '../models/layout.ts'
import type { Examples } from './trainer.ts'

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
  const targets = loss === 'mean-squared-error' ? layout.outputs : 1
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

  constructor(step: number, loss: number, parameters: Float32Array) {
    super(
      'ERR_LOSS_NOT_FINITE',
      `the loss is ${loss} at step ${step}; a smaller learning rate or scaled features usually help`,
    )
    this.step = step
    this.parameters = parameters
  }
}
