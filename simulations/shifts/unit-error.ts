/** Unit errors: some sites record a column in another unit (mg/dl for mmol/l) and nobody has noticed. */

import * as z from 'zod'
import { measuredColumns } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'
import { suggestion } from '../../protocol/plan.ts'
import { entry } from '../menu.ts'
import { type Shift, withinRange } from './shift.ts'

const options = z.strictObject({
  column: z.string(),
  /** What the wrong unit multiplies values with. */
  factor: z.number().positive(),
  /** Share of the sites that err. */
  share: z.number().min(0).max(1).default(0.2),
})

export const unitError = entry(
  options,
  ({ column: name, factor, share }): Shift =>
    (table, stream) => {
      const numbers = measuredColumns(table.schema).filter((column) => column.type === 'number')
      const column = numbers.find((each) => each.name === name)
      if (column === undefined) {
        const known = numbers.map((each) => each.name)
        const message = `expected a number column, found "${name}"${suggestion(name, known)}`
        throw new InputError('ERR_PLAN', message, 'simulation.population.shifts.column')
      }
      if (stream.uniform() >= share) return table
      const wrong = (value: number): number => withinRange(value * factor, column.range)
      return {
        ...table,
        columns: table.columns.map((values) =>
          values.type === 'number' && values.name === name ? { ...values, values: values.values.map(wrong) } : values,
        ),
      }
    },
)
