import { algorithms } from '../../../learning/algorithms/index.ts'
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
