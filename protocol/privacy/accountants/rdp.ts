/**
 * Rényi accountant: divergences of privacy events at many orders, added over rounds and turned into (epsilon, delta).
 * Mironov 2017, "Rényi Differential Privacy"; conversion by Canonne, Kamath and Steinke 2020, proposition 12. Sums of
 * discrete Gaussians: Kairouz, Liu and Steinke 2021, "The Distributed Discrete Gaussian Mechanism", theorem 1.
 */

import { unreachable } from '../../errors.ts'
import type { DiscretePart, PrivacyEvent, Sampling } from '../event.ts'
import { sampledGaussianRdp, sampledRdp } from './sampled-gaussian.ts'
import { withoutReplacementRdp } from './without-replacement.ts'

/** 1.1 to 10.9 by tenths, 11 to 63, and powers of two to 1024. */
export const defaultOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[128, 256, 512, 1024],
]

/** Smallest epsilon at `delta` in (0, 1) that holds for all events together; infinite where one was unprotected. */
export const rdpEpsilon = (events: readonly PrivacyEvent[], delta: number, orders = defaultOrders): number =>
  epsilonFromRdp({ orders, rdp: composedRdp(events, orders) }, delta)

/** Divergences add over events. @returns one number an order. */
export function composedRdp(events: readonly PrivacyEvent[], orders: readonly number[]): number[] {
  const total = orders.map(() => 0)
  for (const event of events) {
    for (const [i, divergence] of rdpOf(event, orders).entries()) total[i] += event.count * divergence
  }
  return total
}

export function epsilonFromRdp(
  { orders, rdp }: { readonly orders: readonly number[]; readonly rdp: readonly number[] },
  delta: number,
): number {
  const bounds = orders.map((order, i) => {
    // So little divergence that total variation alone is below delta: Bretagnolle and Huber 1978.
    if (delta ** 2 + Math.expm1(-rdp[i]) > 0) return 0
    return rdp[i] + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1)
  })
  return Math.max(0, Math.min(...bounds.filter((bound) => !Number.isNaN(bound)), Number.POSITIVE_INFINITY))
}

function rdpOf(event: PrivacyEvent, orders: readonly number[]): number[] {
  switch (event.type) {
    case 'unprotected':
      return orders.map(() => Number.POSITIVE_INFINITY)
    case 'gaussian':
      return gaussianRdp(event.noiseMultiplier, event.sampling, orders)
    case 'discrete-gaussian':
      return orders.map((order) =>
        event.rate === 1 || Number.isInteger(order)
          ? sampledRdp(order, event.rate, (k) => event.parts.reduce((sum, part) => sum + discreteRdp(part, k), 0))
          : Number.POSITIVE_INFINITY,
      )
    case 'zcdp':
      return orders.map((order) => order * event.rho)
    default:
      return unreachable(event)
  }
}

function gaussianRdp(noiseMultiplier: number, sampling: Sampling, orders: readonly number[]): number[] {
  switch (sampling.type) {
    case 'all':
      return sampledGaussianRdp({ noiseMultiplier, rate: 1 }, orders)
    case 'poisson':
      return sampledGaussianRdp({ noiseMultiplier, rate: sampling.rate }, orders)
    case 'fixed-size':
      return withoutReplacementRdp({ noiseMultiplier, ...sampling }, orders)
    default:
      return unreachable(sampling)
  }
}

/** `tau` of the theorem: how far a sum of discrete Gaussians is from one of them. */
export function convolutionGap({ shares, deviation }: Pick<DiscretePart, 'shares' | 'deviation'>): number {
  let tau = 0
  for (let k = 1; k < shares; k++) tau += 10 * Math.exp((-2 * Math.PI ** 2 * deviation ** 2 * k) / (k + 1))
  return tau
}

/** The least of the theorem's three bounds. */
function discreteRdp(part: DiscretePart, order: number): number {
  const { shares, deviation, l2, l1, dimension } = part
  const central = Math.sqrt(shares) * deviation
  const [scaled2, scaled1] = [l2 / central, l1 / central]
  const tau = convolutionGap(part)
  return Math.min(
    (order / 2) * scaled2 ** 2 + tau * dimension,
    (order / 2) * (scaled2 ** 2 + 2 * scaled1 * tau + tau ** 2 * dimension),
    (order / 2) * (scaled2 + tau * Math.sqrt(dimension)) ** 2,
  )
}
