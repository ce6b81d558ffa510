/**
 * What a private run has cost those whom its plan hides, round by round. An entry names the events of its round, so that
 * whoever reads the journal adds them up again; that a round has these events, who recomputes it sees.
 */

import type { SumRequest } from '../algorithm.ts'
import { equalBytes } from '../bytes.ts'
import { canonicalBytes } from '../canonical.ts'
import type { Plan } from '../plan.ts'
import { composedRdp, defaultOrders, epsilonFromRdp } from '../privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import type { Unit } from '../privacy/mechanism.ts'
import { deltaOf } from '../privacy/promise.ts'
import type { JournalEntry } from './entries.ts'

export type BudgetEntry = Extract<JournalEntry, { readonly type: 'budget' }>

/** What a round of a private plan costs, as every party that knows the plan and the state computes it. */
export interface RoundCost {
  readonly unit: Unit
  /** As the plan names it. */
  readonly mechanism: string
  readonly delta: number
  readonly events: readonly PrivacyEvent[]
}

/** Whom a computation hides, and what answering a request costs one of them. */
export interface Protection {
  readonly unit?: Unit | undefined
  readonly cost?: (request: SumRequest) => readonly PrivacyEvent[]
}

/** `undefined` where the plan hides nobody. */
export const roundCost = ({ privacy }: Plan, { unit, cost }: Protection, request: SumRequest): RoundCost | undefined =>
  unit && cost && { unit, mechanism: privacy.name, delta: deltaOf(privacy), events: cost(request) }

/** What the rounds so far have cost. */
export interface Spent {
  /** Rounds that are in it. */
  readonly releases: number
  /** Rényi divergences, one an order. */
  readonly rdp: readonly number[]
  /** Of the last round: the next one costs the same, most often. */
  readonly last: { readonly events: Uint8Array; readonly rdp: readonly number[] } | undefined
}

export const nothingSpent: Spent = { releases: 0, rdp: defaultOrders.map(() => 0), last: undefined }

export function spentAfter({ releases, rdp, last }: Spent, events: readonly PrivacyEvent[]): Spent {
  const bytes = canonicalBytes(events)
  const own =
    last !== undefined && equalBytes(last.events, bytes)
      ? last
      : { events: bytes, rdp: composedRdp(events, defaultOrders) }
  return { releases: releases + 1, rdp: rdp.map((divergence, i) => divergence + own.rdp[i]), last: own }
}

export function budgetEntry(spent: Spent, attempt: number, { events, ...cost }: RoundCost): BudgetEntry {
  const after = spentAfter(spent, events)
  const { releases } = after
  return { type: 'budget', attempt, ...cost, events: [...events], releases, epsilon: epsilonOf(after, cost.delta) }
}

/** Why an entry is not what its events and those before add up to; another machine may round its last digits otherwise. */
export function sumFault(spent: Spent, { events, releases, epsilon, delta }: BudgetEntry): string | undefined {
  const after = spentAfter(spent, events)
  if (releases !== after.releases) return `it counts ${releases} releases, expected ${after.releases}`
  const expected = epsilonOf(after, delta)
  const same =
    epsilon === expected || (epsilon !== null && expected !== null && Math.abs(epsilon - expected) <= 1e-9 * expected)
  return same ? undefined : `it says epsilon ${epsilon}, its events add up to ${expected}`
}

/** Why an entry is not what its round costs. */
export function costFault({ unit, mechanism, delta, events }: BudgetEntry, expected: RoundCost): string | undefined {
  const { unit: whom, mechanism: how, delta: at, events: releases } = expected
  const same = equalBytes(
    canonicalBytes({ unit, mechanism, delta, events }),
    canonicalBytes({ unit: whom, mechanism: how, delta: at, events: releases }),
  )
  return same ? undefined : 'it names another cost than the round has by its plan'
}

/** `null` where nothing bounds it. */
function epsilonOf({ rdp }: Spent, delta: number): number | null {
  const epsilon = epsilonFromRdp({ orders: defaultOrders, rdp }, delta)
  return Number.isFinite(epsilon) ? epsilon : null
}
