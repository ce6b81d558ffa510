/**
 * Label skew: the rows of each class are shared out among the sites by shares from a Dirichlet distribution. Hsu et al.
 * 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification".
 */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { dirichlet as draw } from './dirichlet-draw.ts'
import { apportioned, checkSites, classesOf, filledUp, type Split } from './split.ts'

const options = z.strictObject({
  /** Small: a site has few classes; large: all sites are alike. */
  alpha: z.number().min(0.001).max(1e6).default(0.5),
})

export const dirichlet = entry(
  options,
  ({ alpha }): Split =>
    (table, sites, stream) => {
      checkSites(sites, table.rows)
      const classes = classesOf(table)
      const parts = Array.from({ length: sites }, (): number[] => [])
      const order = stream.permutation(table.rows)
      for (const label of [...new Set(classes)].sort((a, b) => a - b)) {
        const rows = order.filter((row) => classes[row] === label)
        let at = 0
        for (const [site, count] of apportioned(rows.length, draw(sites, alpha, stream)).entries()) {
          for (const row of rows.subarray(at, at + count)) parts[site].push(row)
          at += count
        }
      }
      return filledUp(parts)
    },
)
