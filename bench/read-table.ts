/** Reads a table file in a process of its own and says how long it took and how much memory it ever held. */

import { openSource } from '../client-node/data/index.ts'
import { prepare, preprocessing } from '../learning/data/preprocess.ts'
import { readStatistics, sumTable } from '../learning/data/statistics.ts'
import { wideSchema } from './wide-table.ts'

const [path = '', what = 'read'] = process.argv.slice(2)
const start = performance.now()
const before = process.cpuUsage()
const source = await openSource(path)
let rows = 0
if (what === 'blocks') {
  for await (const block of source.blocks({ schema: wideSchema }, 10_000)) rows += block.rows
} else {
  const { table } = await source.table({ schema: wideSchema })
  rows = table.rows
  if (what === 'prepare') {
    const statistics = readStatistics(wideSchema, sumTable(table, 0), 0)
    prepare(table, preprocessing(wideSchema, statistics, { numbers: 'mean', categories: 'zero' }))
  }
}
const seconds = (performance.now() - start) / 1000
const { user, system } = process.cpuUsage(before)
const peakMegabytes = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ rows, seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes }))
