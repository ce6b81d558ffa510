/**
 * A little is enough: all cheats send the mean of their honest updates moved by as many deviations as still look like
 * honest sites. Baruch et al. 2019, "A Little Is Enough: Circumventing Defenses For Distributed Learning", algorithm 3.
 */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { type Attack, meanOf } from './attack.ts'

const options = z.strictObject({
  /** Deviations to move by; without it as many as the number of sites and cheats allows. */
  deviations: z.number().min(0).max(100).optional(),
})

export const littleIsEnough = entry(
  options,
  ({ deviations }): Attack => ({
    aim: 'to harm the model while looking honest',
    exchange(honest, { sites }) {
      const mean = meanOf(honest)
      const variance = meanOf(honest.map((update) => update.map((value, i) => (value - mean[i]) ** 2)))
      const z = deviations ?? largestDeviation(sites, honest.length)
      const sent = mean.map((value, i) => value - z * Math.sqrt(variance[i]))
      return honest.map(() => sent)
    },
  }),
)

/** z of the paper: s honest sites must lie further out than the cheats for these to be the majority's middle. */
export function largestDeviation(sites: number, cheats: number): number {
  const supporters = Math.floor(sites / 2 + 1) - cheats
  const share = (sites - cheats - supporters) / (sites - cheats)
  return share <= 0 ? 0 : normalQuantileOf(Math.min(share, 1 - 1e-9))
}

/** The quantile of the standard normal distribution by halving on its distribution function (Abramowitz and Stegun 7.1.26). */
function normalQuantileOf(probability: number): number {
  let [low, high] = [-10, 10]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (normalShare(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

function normalShare(x: number): number {
  const t = 1 / (1 + 0.3275911 * (Math.abs(x) / Math.SQRT2))
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  const erf = 1 - tail * Math.exp(-(x * x) / 2)
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2
}
