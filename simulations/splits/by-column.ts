/** Natural sites: the categories of a column (hospital, region, shop) are the sites. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { suggestion } from '../../protocol/plan.ts'
import { entry } from '../menu.ts'
import { fewestRows, type Split } from './split.ts'

const options = z.strictObject({
  /** A category column of the plan. */
  column: z.string(),
})

export const byColumn = entry(
  options,
  ({ column: name }): Split =>
    ({ columns }, sites) => {
      const path = 'simulation.population.split.column'
      const column = columns.find((each) => each.name === name)
      if (column?.type !== 'category') {
        const known = columns.flatMap((each) => (each.type === 'category' ? [each.name] : []))
        const message = `expected a category column (${known.join(', ')}), found "${name}"${suggestion(name, known)}`
        throw new InputError('ERR_PLAN', message, path)
      }
      const found = column.categories
        .map((category, code) => ({ name: category, rows: rowsWith(column.codes, code) }))
        .filter(({ rows }) => rows.length >= fewestRows)
      if (sites !== 0 && sites !== found.length) {
        const message = `"${name}" gives ${found.length} sites; leave the number out`
        throw new InputError('ERR_PLAN', message, 'simulation.population.sites')
      }
      return found
    },
)

const rowsWith = (codes: Int32Array, code: number): Uint32Array =>
  Uint32Array.from({ length: codes.length }, (_, i) => i).filter((i) => codes[i] === code)
