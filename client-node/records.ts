/** Opens a site's records for a plan: as a table in memory or, where they are larger than that, as blocks. */

import { stat } from 'node:fs/promises'
import type { Site } from '../learning/algorithms/site.ts'
import { openBlocks, streamedSite, wantsTable } from '../learning/algorithms/streamed-site.ts'
import type { TableRequest } from '../learning/data/source.ts'
import type { Records } from '../protocol/participant/shell.ts'
import type { Plan } from '../protocol/plan.ts'
import { type DataLocation, openSource, streams } from './data/index.ts'

/** Files beyond this are streamed unless the site says otherwise: a gigabyte. */
const largestInMemory = 1e9

/** @throws InputError ERR_DATA_STREAMED where the plan cannot take the records as the site gives them; what the source finds. */
export async function openRecords(
  location: DataLocation,
  request: Omit<TableRequest, 'schema'>,
  site: Omit<Site, 'table' | 'blocks'>,
  plan: Plan,
): Promise<Records<Site>> {
  const source = await openSource(location)
  const whole = { ...request, schema: plan.data }
  if (streams(location) ?? (wantsTable(plan) === undefined && (await isLarge(location)))) {
    const blocks = await openBlocks(source, whole, plan)
    return { site: streamedSite(site, blocks), rows: blocks.rows }
  }
  const { table } = await source.table(whole)
  return { site: { ...site, table }, rows: table.rows }
}

async function isLarge(location: DataLocation): Promise<boolean> {
  const path = typeof location === 'string' ? location : location.path
  if (typeof path !== 'string') return false
  // What cannot be looked at is not large; opening it says why.
  return stat(path).then(
    (found) => found.isFile() && found.size > largestInMemory,
    () => false,
  )
}
