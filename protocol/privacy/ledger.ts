/**
 * A site's privacy ledger: what every release cost, charged before it leaves, and the cap at which releases stop.
 * Entries are chained by hash and signed by the site; losses are added as Rényi divergences, which hold for every event.
 */

import { sha256 } from '@noble/hashes/sha2.js'
import * as z from 'zod'
import { concat, toHex, utf8 } from '../bytes.ts'
import { canonicalBytes } from '../canonical.ts'
import { InputError, SiteRefusal } from '../errors.ts'
import { composedRdp, defaultOrders, epsilonFromRdp } from './accountants/rdp.ts'
import { eventSchema } from './event.ts'
import { type Unit, units } from './mechanism.ts'

/** The most a data set may lose over all rounds, runs and statistics. */
export const budgetSchema = z.strictObject({
  epsilon: z.number().positive().max(1e6),
  delta: z.number().positive().max(0.5),
})

export type Budget = z.infer<typeof budgetSchema>

/**
 * What one release costs, whether or not its round completes. A second try of a round with the same numbers, noise and all,
 * costs nothing more; one with fresh noise, after a restart, is a second release.
 */
export const chargeSchema = z.strictObject({
  session: z.string(),
  plan: z.string(),
  attempt: z.int().min(0),
  purpose: z.string(),
  /** Whose presence the noise hides; `null` where nobody's is. */
  unit: z.enum(units).nullable(),
  events: z.array(eventSchema).min(1).max(1000).readonly(),
})

export type Charge = z.infer<typeof chargeSchema>

const entrySchema = z.strictObject({
  index: z.int().min(0),
  /** The hash of the entry before; zeros before the first. */
  previous: z.string(),
  /** Milliseconds since 1970. */
  at: z.number(),
  dataset: z.string(),
  charge: chargeSchema,
  signature: z.string(),
})

export type LedgerEntry = z.infer<typeof entrySchema>

/** Where a ledger ends: kept apart from it, so that a shortened ledger is seen. */
export const ledgerHeadSchema = z.strictObject({ entries: z.int().min(0), hash: z.string() })

export type LedgerHead = z.infer<typeof ledgerHeadSchema>

/** What is lost so far of one data set. */
export interface Loss {
  readonly releases: number
  /** The narrowest protection among the charges: the sum holds for it. */
  readonly unit: Unit | null
  /** One divergence an order. */
  readonly rdp: readonly number[]
}

export interface Ledger {
  readonly head: LedgerHead
  readonly at: number
  readonly losses: ReadonlyMap<string, Loss>
}

export const emptyLedger: Ledger = { head: { entries: 0, hash: '0'.repeat(64) }, at: 0, losses: new Map() }

export const nothingLost: Loss = { releases: 0, unit: 'site', rdp: defaultOrders.map(() => 0) }

export const lossOf = (ledger: Ledger, dataset: string): Loss => ledger.losses.get(dataset) ?? nothingLost

/** The loss with the events of a charge added. */
export const lossWith = (loss: Loss, { unit, events }: Pick<Charge, 'unit' | 'events'>): Loss => {
  const more = composedRdp(events, defaultOrders)
  return {
    releases: loss.releases + 1,
    unit: narrower(loss.unit, unit),
    rdp: loss.rdp.map((divergence, i) => divergence + more[i]),
  }
}

export const epsilonOf = ({ rdp }: Loss, delta: number): number => epsilonFromRdp({ orders: defaultOrders, rdp }, delta)

/** What one run cost by itself; epsilons of runs do not add up to that of the data set, which is smaller. */
export interface RunLoss {
  readonly session: string
  readonly plan: string
  readonly dataset: string
  readonly loss: Loss
  /** Milliseconds since 1970. */
  readonly first: number
  readonly last: number
}

/** In the order of their first entries. */
export function lossesByRun(entries: readonly LedgerEntry[]): RunLoss[] {
  const keyOf = ({ dataset, charge }: LedgerEntry): string => `${charge.session}/${dataset}`
  return [...new Set(entries.map(keyOf))].map((key) => {
    const own = entries.filter((entry) => keyOf(entry) === key)
    const { dataset, charge, at } = own[0]
    const { session, plan } = charge
    const loss = own.reduce((sum, entry) => lossWith(sum, entry.charge), nothingLost)
    return { session, plan, dataset, loss, first: at, last: own[own.length - 1].at }
  })
}

/** @throws SiteRefusal ERR_BUDGET where the loss would be above the cap. */
export function checkBudget(loss: Loss, budget: Budget | undefined): void {
  if (budget === undefined) return
  const epsilon = epsilonOf(loss, budget.delta)
  if (epsilon <= budget.epsilon) return
  const would = Number.isFinite(epsilon)
    ? `to ${epsilon.toFixed(4)}`
    : 'beyond any bound: something leaves without noise'
  throw new SiteRefusal(
    'ERR_BUDGET',
    `this would bring epsilon ${would}; the cap is ${budget.epsilon} at delta ${budget.delta}`,
  )
}

/** A run that is to begin, or to go on. */
export type PlannedRun = Pick<Charge, 'session' | 'unit' | 'events'>

/**
 * Holds a whole run against the cap: what has been lost of a data set, and what the run would still add to what it has
 * cost already, by the entries of its session. @throws SiteRefusal ERR_BUDGET_PLAN where it does not fit.
 */
export function checkWhole(
  loss: Loss,
  { session, unit, events }: PlannedRun,
  { budget, entries }: { readonly budget: Budget | undefined; readonly entries: readonly LedgerEntry[] },
): void {
  if (budget === undefined) return
  const own = entries.reduce(
    (sum, { charge }) => (charge.session === session ? lossWith(sum, charge) : sum),
    nothingLost,
  )
  const planned = lossWith(nothingLost, { unit, events })
  const rdp = loss.rdp.map((total, i) => {
    const others = own.rdp[i] === Number.POSITIVE_INFINITY ? 0 : total - own.rdp[i]
    return others + Math.max(own.rdp[i], planned.rdp[i])
  })
  const [before, after] = [loss.rdp, rdp].map((each) => epsilonOf({ ...loss, rdp: each }, budget.delta))
  if (after <= budget.epsilon) return
  const would = Number.isFinite(after) ? `to ${after.toFixed(4)}` : 'beyond any bound: it has no noise'
  throw new SiteRefusal(
    'ERR_BUDGET_PLAN',
    `the whole run would bring epsilon from ${before.toFixed(4)} ${would}; the cap is ${budget.epsilon} at delta ${budget.delta}`,
  )
}

/** Clocks are set by some seconds now and then; more is refused. */
const clockTolerance = 60_000

export interface Posting {
  readonly dataset: string
  readonly charge: Charge
  readonly budget: Budget | undefined
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The next entry, not yet signed. @throws SiteRefusal ERR_BUDGET, ERR_CLOCK: then nothing may leave. */
export function post(ledger: Ledger, { dataset, charge, budget, at }: Posting): Omit<LedgerEntry, 'signature'> {
  if (at < ledger.at - clockTolerance) {
    throw new SiteRefusal('ERR_CLOCK', 'the clock stands before the last entry of the ledger: set it right')
  }
  checkBudget(lossWith(lossOf(ledger, dataset), charge), budget)
  const { entries: index, hash: previous } = ledger.head
  return { index, previous, at: Math.max(at, ledger.at), dataset, charge }
}

/** The ledger with an entry added. */
export function withEntry(ledger: Ledger, entry: Omit<LedgerEntry, 'signature'>): Ledger {
  const { index, at, dataset, charge } = entry
  const losses = new Map(ledger.losses).set(dataset, lossWith(lossOf(ledger, dataset), charge))
  return { head: { entries: index + 1, hash: toHex(entryHash(entry)) }, at, losses }
}

/** What the site signs for an entry. */
export const signedEntry = (entry: Omit<LedgerEntry, 'signature'>): Uint8Array =>
  concat(utf8('concordat/v1/ledger/entry'), entryHash(entry))

function entryHash({ index, previous, at, dataset, charge }: Omit<LedgerEntry, 'signature'>): Uint8Array {
  return sha256(concat(utf8('concordat/v1/ledger'), canonicalBytes({ index, previous, at, dataset, charge })))
}

/** @returns whether `signature` is the site's over `entry`. */
export type VerifyEntry = (entry: LedgerEntry) => Promise<boolean>

/**
 * Reads a ledger line by line. @throws InputError ERR_LEDGER naming the first line that does not follow from those
 * before it, or saying that lines are gone which `head` knows of.
 */
export async function readLedger(
  lines: readonly string[],
  head: LedgerHead | undefined,
  verify: VerifyEntry,
): Promise<{ readonly ledger: Ledger; readonly entries: readonly LedgerEntry[] }> {
  const entries: LedgerEntry[] = []
  let ledger = emptyLedger
  let known = head === undefined ? lines.length === 0 : head.entries === 0
  for (const [i, line] of lines.entries()) {
    const entry = parseEntry(line)
    const follows = entry?.index === i && entry.previous === ledger.head.hash && entry.at >= ledger.at
    if (entry === undefined || !follows || !(await verify(entry))) {
      throw new InputError('ERR_LEDGER', 'not as this site wrote it; the ledger was edited', `line ${i + 1}`)
    }
    ledger = withEntry(ledger, entry)
    entries.push(entry)
    if (ledger.head.entries === head?.entries) known = ledger.head.hash === head.hash
  }
  if (!known) {
    throw new InputError(
      'ERR_LEDGER',
      `expected the ${head?.entries ?? 0} entries that this site wrote, found ${entries.length}`,
    )
  }
  return { ledger, entries }
}

function parseEntry(line: string): LedgerEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** A bound for patients is one for each of their records, and one for sites for both; not the other way round. */
const narrower = (a: Unit | null, b: Unit | null): Unit | null =>
  a === null || b === null ? null : units[Math.min(units.indexOf(a), units.indexOf(b))]
