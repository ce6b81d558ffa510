import { algorithms } from '../../../learning/algorithms/index.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { algorithmContract } from '../../contracts/algorithm.ts'
import { planOf, threeSites } from './plans.ts'

const make = (plan: ReturnType<typeof planOf>) => () => algorithms[plan.algorithm.name].create(plan)

algorithmContract('statistics', { make: make(planOf({ name: 'statistics' })), sites: threeSites })
algorithmContract('fed-avg', { make: make(planOf({ name: 'fed-avg' }, { rounds: 3 })), sites: threeSites })
algorithmContract('fed-avg on 16 bits', {
  make: make(planOf({ name: 'fed-avg' }, { rounds: 2, encoding: { bits: 16 } })),
  sites: threeSites,
})
algorithmContract('fed-avg without held-out rows', {
  make: make(planOf({ name: 'fed-avg' }, { rounds: 2, evaluation: { holdout: 0 } })),
  sites: threeSites,
})

// The test's trainer knows one layer and no frozen tensors; the methods with personal layers run on the compiled engine.
const compiled = compiledTrainer({ variant: 'simd128' })
const compiledSites = threeSites.map((site) => ({ ...site, trainer: compiled }))
const model = { name: 'mlp', hidden: [4], norm: 'layer' }

for (const name of Object.keys(algorithms).filter((known) => !['statistics', 'fed-avg'].includes(known))) {
  algorithmContract(name, { make: make(planOf({ name }, { rounds: 3, model })), sites: compiledSites })
}
algorithmContract('fed-avg with half of the coordinates', {
  make: make(planOf({ name: 'fed-avg', compression: { keep: 0.5 } }, { rounds: 3 })),
  sites: threeSites,
})
