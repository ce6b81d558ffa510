/** Rows dealt out at random: every site has the same mix and, up to one row, the same number. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { checkSites, type Split } from './split.ts'

export const iid = entry(
  z.strictObject({}),
  (): Split => (table, sites, stream) => {
    checkSites(sites, table.rows)
    const order = stream.permutation(table.rows)
    return Array.from({ length: sites }, (_, i) => ({ rows: order.filter((__, at) => at % sites === i).sort() }))
  },
)
