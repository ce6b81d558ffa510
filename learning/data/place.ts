/** The place of a record in a source that counts rows, not lines. */

import { InputError } from '../../protocol/errors.ts'
import type { Place } from './cell.ts'

/** `row` is counted from 1; the column stands in the message. */
export const placeInRow = (source: string, row: number): Place => ({
  fault: (_field, code, message) => new InputError(code, message, `${source}: row ${row}`),
})
