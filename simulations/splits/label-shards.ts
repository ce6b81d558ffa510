/**
 * Label shards: rows sorted by label are cut into pieces of one size, and each site is dealt a few. McMahan et al. 2017,
 * section 3, the "pathological non-IID" split: with two shards most sites know two digits.
 */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { checkSites, classesOf, type Split } from './split.ts'

const options = z.strictObject({
  /** Shards a site is dealt. */
  shards: z.int().min(1).max(1000).default(2),
})

export const labelShards = entry(
  options,
  ({ shards }): Split =>
    (table, sites, stream) => {
      checkSites(sites * shards, table.rows)
      const classes = classesOf(table)
      const place = stream.permutation(table.rows)
      const sorted = Uint32Array.from({ length: table.rows }, (_, i) => i).sort(
        (a, b) => classes[a] - classes[b] || place[a] - place[b],
      )
      const pieces = sites * shards
      const dealt = stream.permutation(pieces)
      return Array.from({ length: sites }, (_, site) => {
        const own = dealt.subarray(site * shards, (site + 1) * shards)
        const rows = [...own].flatMap((piece) => [
          ...sorted.subarray(
            Math.floor((piece * table.rows) / pieces),
            Math.floor(((piece + 1) * table.rows) / pieces),
          ),
        ])
        return { rows: Uint32Array.from(rows).sort() }
      })
    },
)
