/**
 * Contribution scores from group sums: how much better the model judges an agreed validation set for a group's sum being in
 * the round. Leave-one-out, and Shapley values by sampled orders that end early where nothing is left to gain (Ghorbani
 * and Zou 2019, "Data Shapley", algorithm 1; in federated rounds Wang et al. 2020, "A Principled Approach to Data
 * Valuation for Federated Learning"). The coordinator needs no single site's update: a site's score is its share of its groups'.
 */

import * as z from 'zod'
import type { Report } from '../learning/algorithms/evaluation.ts'
import type { Lanes } from '../protocol/algorithm.ts'
import { Stream } from '../protocol/stream.ts'
import { type GroupSum, totalOf, type Watched } from './runner/conduct.ts'
import { studentQuantile } from './study/intervals.ts'

export const scoresSchema = z.strictObject({
  /** Sampled orders a round; leave-one-out needs none. */
  permutations: z.int().min(2).max(10_000).default(20),
  /** An order ends where the rest could gain less than this. */
  tolerance: z.number().min(0).default(0.001),
  /** Every how many training rounds are scored. */
  every: z.int().min(1).max(1000).default(1),
})

export type ScoreSettings = z.infer<typeof scoresSchema>

export interface Score {
  readonly site: number
  readonly leaveOneOut: Interval
  readonly shapley: Interval
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** What a coalition's sum is worth: minus the loss of the model that it leads to. */
export type Worth = (sum: Lanes, survivors: number) => Promise<number>

interface RoundScores {
  readonly leaveOneOut: readonly number[]
  /** Of each group one gain an order. */
  readonly gains: readonly (readonly number[])[]
}

/** One round's groups. */
export async function scoreRound(
  { groups, request, round }: Pick<Watched, 'groups' | 'request' | 'round'>,
  worth: Worth,
  { settings, seed }: { readonly settings: ScoreSettings; readonly seed: number },
): Promise<RoundScores> {
  const known = new Map<string, Promise<number>>()
  const worthOf = (members: readonly number[]): Promise<number> => {
    const key = members.toSorted((a, b) => a - b).join()
    const coalition = members.map((i) => groups[i])
    const sites = coalition.reduce((sum, group) => sum + group.sites.length, 0)
    // Nobody's sum leaves the model as it is.
    const value =
      known.get(key) ?? worth(members.length === 0 ? nothing(groups[0]) : totalOf(coalition, request), sites)
    known.set(key, value)
    return value
  }
  const all = groups.map((_, i) => i)
  const whole = await worthOf(all)
  const leaveOneOut: number[] = []
  for (const i of all) leaveOneOut.push(whole - (await worthOf(all.filter((other) => other !== i))))
  const gains = groups.map((): number[] => [])
  const stream = new Stream(`${seed}/orders/${round}`)
  for (let k = 0; k < settings.permutations; k++) {
    const order = [...stream.permutation(groups.length)]
    let before = await worthOf([])
    for (let taken = 1; taken <= order.length; taken++) {
      const settled = Math.abs(whole - before) < settings.tolerance
      const after = settled ? before : await worthOf(order.slice(0, taken))
      gains[order[taken - 1]].push(after - before)
      before = after
    }
  }
  return { leaveOneOut, gains }
}

/** Rounds added up: a site has an equal share of its group's score. The interval is over the orders, or over the rounds. */
export class Scores {
  readonly #settings: ScoreSettings
  readonly #seed: number
  readonly #sites: Map<number, { readonly leaveOneOut: number[]; readonly shapley: { sum: number; variance: number } }>

  constructor(sites: number, settings: ScoreSettings, seed: number) {
    this.#settings = settings
    this.#seed = seed
    this.#sites = new Map(
      Array.from({ length: sites }, (_, i) => [i, { leaveOneOut: [], shapley: { sum: 0, variance: 0 } }]),
    )
  }

  async watch(step: Watched, worth: Worth): Promise<void> {
    if (step.round % this.#settings.every !== 0) return
    const { leaveOneOut, gains } = await scoreRound(step, worth, { settings: this.#settings, seed: this.#seed })
    for (const [i, { sites }] of step.groups.entries()) {
      const { mean, variance } = momentsOf(gains[i])
      for (const site of sites) {
        const own = this.#sites.get(site)
        if (own === undefined) continue
        own.leaveOneOut.push(leaveOneOut[i] / sites.length)
        own.shapley.sum += mean / sites.length
        own.shapley.variance += variance / gains[i].length / sites.length ** 2
      }
    }
  }

  result(): readonly Score[] {
    return [...this.#sites].map(([site, { leaveOneOut, shapley }]) => {
      const { mean, variance } = momentsOf(leaveOneOut)
      const rounds = leaveOneOut.length
      const half = rounds > 1 ? studentQuantile(rounds - 1) * Math.sqrt(variance * rounds) : 0
      const total = mean * rounds
      const wide = studentQuantile(Math.max(1, this.#settings.permutations - 1)) * Math.sqrt(shapley.variance)
      return {
        site,
        leaveOneOut: { value: total, low: total - half, high: total + half },
        shapley: { value: shapley.sum, low: shapley.sum - wide, high: shapley.sum + wide },
      }
    })
  }
}

/** A lower loss is worth more. */
export const worthOfReport = (report: Report): number =>
  report.type === 'number' ? -report.rootMeanSquaredError : -report.loss

/** A sum in which nobody is: no update at full weight, so that dividing by it is possible. */
function nothing({ lanes }: GroupSum): Lanes {
  return Object.fromEntries(
    Object.entries(lanes).map(([name, values]) => [
      name,
      new Float64Array(values.length).fill(name === 'weight' ? 1 : 0),
    ]),
  )
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  if (values.length === 0) return { mean: 0, variance: 0 }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, variance: values.length > 1 ? squares / (values.length - 1) : 0 }
}
