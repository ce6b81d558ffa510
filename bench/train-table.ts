/** Trains one site on a table file in a process of its own, from memory or streamed, and says what it took at most. */

import { openRecords } from '../client-node/records.ts'
import { algorithms } from '../learning/algorithms/index.ts'
import { planMenus } from '../learning/computation.ts'
import { compiledTrainer } from '../learning/engine/compiled/trainer.ts'
import { parsePlan } from '../protocol/plan.ts'
import { longSchema } from './long-table.ts'

const [path = '', how = 'stream'] = process.argv.slice(2)
const plan = parsePlan(
  {
    ...{ concordat: 1, name: 'streaming', rounds: 1, data: longSchema, model: { name: 'mlp', hidden: [32, 16] } },
    algorithm: { name: 'fed-avg', batchSize: 128, learningRate: 0.05 },
  },
  planMenus,
)
const start = performance.now()
const location = { kind: 'csv', path, stream: how === 'stream' }
const { site, rows } = await openRecords(location, {}, { name: 'site', trainer: compiledTrainer() }, plan)
const algorithm = algorithms['fed-avg'].create(plan)
let state = algorithm.init()
for (let round = 1, request = algorithm.request(state); request !== undefined; round++) {
  state = algorithm.apply(state, request, await algorithm.contribute(state, request, site, round), 1)
  request = algorithm.request(state)
}
const seconds = (performance.now() - start) / 1000
const { auc } = algorithm.metrics(state)
console.log(JSON.stringify({ rows, seconds, auc, peakMegabytes: process.resourceUsage().maxRSS / 1024 }))
