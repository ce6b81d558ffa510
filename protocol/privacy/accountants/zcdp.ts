/**
 * Zero-concentrated accountant: one number, rho, that adds up over releases on all records. Bun and Steinke 2016,
 * "Concentrated Differential Privacy"; conversion by Canonne, Kamath and Steinke 2020, corollary 13.
 */

import { unreachable } from '../../errors.ts'
import type { DiscretePart, PrivacyEvent } from '../event.ts'
import { convolutionGap } from './rdp.ts'

/** The rho of all events together; `undefined` where one is sampled, which concentrated privacy gains nothing from. */
export function rhoOf(events: readonly PrivacyEvent[]): number | undefined {
  let total = 0
  for (const event of events) {
    const rho = rhoOfEvent(event)
    if (rho === undefined) return undefined
    total += event.count * rho
  }
  return total
}

/** Smallest epsilon at `delta` that `rho` allows: the best of all orders. */
export function zcdpEpsilon(rho: number, delta: number): number {
  if (rho === 0) return 0
  if (rho === Number.POSITIVE_INFINITY) return rho
  const epsilonAt = (log: number): number => {
    const order = 1 + Math.exp(log)
    return order * rho + (order * Math.log1p(-1 / order) - Math.log(order - 1) - Math.log(delta)) / (order - 1)
  }
  // One valley: golden section.
  const ratio = (Math.sqrt(5) - 1) / 2
  let [low, high] = [-20, 30]
  while (high - low > 1e-10) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)]
    if (epsilonAt(a) < epsilonAt(b)) high = b
    else low = a
  }
  return Math.max(0, epsilonAt((low + high) / 2))
}

function rhoOfEvent(event: PrivacyEvent): number | undefined {
  switch (event.type) {
    case 'unprotected':
      return Number.POSITIVE_INFINITY
    case 'zcdp':
      return event.rho
    case 'gaussian':
      return event.sampling.type === 'all' ? 1 / (2 * event.noiseMultiplier ** 2) : undefined
    case 'discrete-gaussian':
      return event.rate === 1 ? event.parts.reduce((sum, part) => sum + rhoOfPart(part), 0) : undefined
    default:
      return unreachable(event)
  }
}

/** Kairouz, Liu and Steinke 2021, theorem 1. */
function rhoOfPart(part: DiscretePart): number {
  const central = Math.sqrt(part.shares) * part.deviation
  return 0.5 * (part.l2 / central + convolutionGap(part) * Math.sqrt(part.dimension)) ** 2
}
