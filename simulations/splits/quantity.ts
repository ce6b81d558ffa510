/** Sites of different size: shares from a Dirichlet distribution, or as the study says; the mix is the same everywhere. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { entry } from '../menu.ts'
import { dirichlet } from './dirichlet-draw.ts'
import { apportioned, checkSites, filledUp, type Split } from './split.ts'

const options = z.strictObject({
  /** Small: few sites have most rows. */
  alpha: z.number().min(0.001).max(1e6).default(1),
  /** Sizes in proportion to these numbers, one a site. */
  parts: z.array(z.number().positive()).min(1).max(10_000).optional(),
})

export const quantity = entry(
  options,
  ({ alpha, parts }): Split =>
    (table, given, stream) => {
      const sites = given === 0 && parts ? parts.length : given
      checkSites(sites, table.rows)
      if (parts && parts.length !== sites) {
        const message = `expected ${sites} numbers, one a site, found ${parts.length}`
        throw new InputError('ERR_PLAN', message, 'simulation.population.split.parts')
      }
      const counts = apportioned(table.rows, parts ?? dirichlet(sites, alpha, stream))
      const order = stream.permutation(table.rows)
      let at = 0
      return filledUp(
        counts.map((count) => {
          const rows = [...order.subarray(at, at + count)]
          at += count
          return rows
        }),
      )
    },
)
