/**
 * What a federation is held against: the same model from one site's rows alone, and from all sites' rows in one place.
 * Only for data that may lie in one place, in a simulation or a demo.
 */

import { InputError } from '../../protocol/errors.ts'
import type { Choice, Plan } from '../../protocol/plan.ts'
import { joinTables, type Table } from '../data/table.ts'
import { local, summed } from './averaging.ts'
import { judge, type Report } from './evaluation.ts'
import { algorithms } from './index.ts'
import { type ModelFile, parseModel, predict } from './model-file.ts'
import type { Site } from './site.ts'
import { splitTable } from './site-data.ts'

export interface Comparison {
  /** Each site alone, in the sites' order. */
  readonly alone: readonly Report[]
  readonly federated: Report
  readonly pooled: Report
}

/** All three, judged on the same rows: those that all sites hold out. */
export async function compare(plan: Plan, federated: ModelFile, sites: readonly Site[]): Promise<Comparison> {
  const { heldOut } = splitSites(plan, sites)
  const judged = async (model: ModelFile) => judgeModel(model, plan, { ...sites[0], table: heldOut })
  const alone: Report[] = []
  for (const site of sites) alone.push(await judged(await trainTogether(plan, [site])))
  return { alone, federated: await judged(federated), pooled: await judged(await trainTogether(plan, sites)) }
}

/**
 * The plan's model from the training rows of `sites` in one place: the same split, preprocessing rule, seed and passes
 * over the rows. It is plain training by the plan's local options, with one site that holds them all.
 */
export async function trainTogether(plan: Plan, sites: readonly Site[]): Promise<ModelFile> {
  const { training } = splitSites(plan, sites)
  const name = sites.map((site) => site.name).join('+')
  const whole = { ...plan, algorithm: plainTraining(plan), evaluation: { ...plan.evaluation, holdout: 0 } }
  const algorithm = algorithms['fed-avg'].create(whole)
  const site = { name, table: training, trainer: sites[0].trainer }
  let state = algorithm.init()
  for (let round = 1; ; round++) {
    const request = algorithm.request(state)
    if (request === undefined) return parseModel(algorithm.result(state))
    state = algorithm.apply(state, request, await algorithm.contribute(state, request, site, round), 1)
  }
}

/** What an algorithm adds to hold sites together or to save bytes has no meaning in one place. */
function plainTraining({ algorithm }: Plan): Choice {
  const { proximal: _, ...trained } = local
  const kept = Object.entries(algorithm).filter(([option]) => option in trained || option in summed)
  return { ...Object.fromEntries(kept), name: 'fed-avg', compression: undefined }
}

/** How well a model does on every row of a table, ranks exact. */
export async function judgeModel(model: ModelFile, plan: Plan, { table, trainer }: Site): Promise<Report> {
  const { label } = plan.data
  if (label === undefined || table.label === undefined) {
    throw new InputError('ERR_PLAN', 'expected a label to judge by', 'data.label')
  }
  const outputs = await predict(model, table, trainer)
  return judge(label, plan.evaluation.bins, { outputs, labels: table.label })
}

function splitSites(plan: Plan, sites: readonly Site[]): { readonly training: Table; readonly heldOut: Table } {
  const [first, ...others] = sites.map((site) => splitTable(site, plan))
  return {
    training: joinTables([first.training, ...others.map((split) => split.training)]),
    heldOut: joinTables([first.heldOut, ...others.map((split) => split.heldOut)]),
  }
}
