/** A run of one site with itself: what would leave it, through the deployed computation, encoding and noise. Nothing does. */

import type { Lanes, SumRequest } from '../../protocol/algorithm.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Random } from '../../protocol/random.ts'
import { Stream } from '../../protocol/stream.ts'
import { decode, encode } from '../../protocol/vector/encoding.ts'
import { type ModelFile, parametersOf, parseModel } from '../algorithms/model-file.ts'
import type { Site } from '../algorithms/site.ts'
import { type Computation, computationOf } from '../computation.ts'

export interface Stage {
  readonly plan: Plan
  readonly computation: Computation
  /** Sites of the federation: the noise of each is sized for them. */
  readonly sites: number
  readonly random: Random
}

/** Every row trains, and means are over this site's rows alone: the attacker knows both, and gains by it. */
export function stageOf(plan: Plan, { rows, sites, random }: { rows: number; sites: number; random: Random }): Stage {
  const privacy = 'population' in plan.privacy ? { ...plan.privacy, population: rows } : plan.privacy
  const alone = { ...plan, privacy, evaluation: { ...plan.evaluation, holdout: 0 } }
  return { plan: alone, computation: computationOf(alone, sites), sites, random }
}

/** What an adversary would see of a site's part of a round if no mask were on it. */
export async function released(
  { plan, computation, sites, random }: Stage,
  site: Site,
  { state, request, round }: { readonly state: unknown; readonly request: SumRequest; readonly round: number },
): Promise<Lanes> {
  const lanes = await computation.algorithm.contribute(state, request, { ...site, random }, round)
  const coins = new Stream(`${plan.seed}/${site.name}/${round}/rounding`)
  const vector = encode(lanes, request, { sites, coins })
  computation.noiseShare(vector, request, random)
  computation.noiseSum(vector, request, random)
  return decode(vector, request, sites)
}

/** The state after `rounds` rounds of this site alone; before the first that trains where `rounds` is 0. */
export async function trainedAlone(stage: Stage, site: Site, rounds: number): Promise<unknown> {
  const { algorithm } = stage.computation
  let state = algorithm.init()
  let trained = 0
  for (let round = 0; ; round++) {
    const request = algorithm.request(state)
    if (request === undefined || (isTraining(request) && trained === rounds)) return state
    if (isTraining(request)) trained++
    const sum = await released(stage, site, { state, request, round })
    state = algorithm.apply(state, request, sum, 1)
  }
}

/** Rounds that train; others gather statistics or evaluate. */
export const isTraining = ({ lanes }: SumRequest): boolean => lanes.some(isUpdate)

export const isUpdate = ({ name }: SumRequest['lanes'][number]): boolean => name === 'update' || name === 'gradient'

export function modelOf({ computation }: Stage, state: unknown): { file: ModelFile; parameters: Float32Array } {
  const file = parseModel(computation.algorithm.result(state))
  return { file, parameters: parametersOf(file) }
}
