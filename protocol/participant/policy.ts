/**
 * The site's policy: what its people allow, evaluated by the participant before it joins and before every round.
 * Defaults are DataSHIELD's disclosure settings where it has one (wiki.datashield.org, "Disclosure checks").
 */

import * as z from 'zod'
import type { Lanes, SumRequest } from '../algorithm.ts'
import { InputError } from '../errors.ts'
import { clockOf, endOfDay, type Moment } from '../moment.ts'
import { check, type Plan } from '../plan.ts'
import { rdpEpsilon } from '../privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../privacy/event.ts'

const anyOf = <T extends z.ZodType>(item: T) => z.union([z.literal('any'), z.array(item)]).default('any')
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time like 08:30')
const limit = z.number().positive().nullable()

const policySchema = z.strictObject({
  concordat: z.literal(1),
  /** Nothing runs before a person has read the file and set this. */
  confirmed: z.boolean().default(false),
  /** The last day on which this policy holds; `null` for no end. */
  expires: z.iso.date().nullable().default(null),
  /** Who lets a plan in that the rest of this file allows: a person each time, a person once a computation, or nobody. */
  approval: z.enum(['person', 'repeats', 'automatic']).default('person'),
  /** Rows this site must have: nfilter.subset. */
  minimumRows: z.int().min(1).default(3),
  /** Sites in any sum that can be revealed, without those assumed to collude with the coordinator. */
  minimumSites: z.int().min(2).default(3),
  /** The smallest count of a table's cell that may leave: nfilter.tab. A cell of nobody is no secret. */
  minimumCell: z.int().min(1).default(3),
  /** What becomes of a table with a smaller cell: the cell counts as empty, or the round is refused. */
  smallCells: z.enum(['suppress', 'refuse']).default('suppress'),
  /** Categories of a column: nfilter.levels.max. */
  maximumCategories: z.int().min(2).nullable().default(40),
  /** Categories of a column for each row of this site: nfilter.levels.density. */
  categoriesPerRow: limit.default(0.33),
  /** Parameters of a model for each row of this site: nfilter.glm. */
  parametersPerRow: limit.default(0.33),
  privacy: z
    .strictObject({
      /** Whether plans are allowed under which nothing bounds what the result tells of a person. */
      unprotected: z.boolean().default(false),
      mechanisms: anyOf(z.string()),
      /** The most that the rounds of one run may cost a person, at `delta`. */
      epsilon: z.number().positive().default(10),
      delta: z.number().positive().lt(1).default(1e-5),
    })
    .prefault({}),
  algorithms: anyOf(z.string()),
  models: anyOf(z.string()),
  /** Columns of this site's table that plans may name, the label's too. */
  columns: anyOf(z.string()),
  /** Whose plans: by the key that signed them, or `any` that the pinned coordinator offers. */
  authors: anyOf(z.strictObject({ name: z.string(), identity: z.string().regex(/^[0-9a-f]{64}$/) })),
  /** When rounds may run, in local time; `null` for always. */
  hours: z
    .strictObject({
      days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
      from: time,
      to: time,
    })
    .nullable()
    .default(null),
})

export type Policy = z.infer<typeof policySchema>

/** @throws InputError ERR_POLICY: every fault with its path. */
export const parsePolicy = (value: unknown): Policy => check(policySchema, value, [], 'ERR_POLICY')

export const defaultPolicy: Policy = parsePolicy({ concordat: 1 })

/** For a simulation, whose sites are nobody's: it allows what a plan asks. */
export const noPolicy: Policy = parsePolicy({
  ...{ concordat: 1, confirmed: true, approval: 'automatic', minimumRows: 1, minimumSites: 2, minimumCell: 1 },
  ...{ maximumCategories: null, categoriesPerRow: null, parametersPerRow: null },
  privacy: { unprotected: true, epsilon: Number.MAX_VALUE },
})

/** One rule that a plan or a round breaks; `rule` is the key of the policy. */
export interface Fault {
  readonly rule: string
  readonly message: string
}

/** @throws InputError ERR_POLICY_UNCONFIRMED, ERR_POLICY_EXPIRED: without a policy in force nothing runs. */
export function inForce(policy: Policy, now: Moment): void {
  if (!policy.confirmed) {
    throw new InputError(
      'ERR_POLICY_UNCONFIRMED',
      'nobody has confirmed this policy: read the file, then "concordat policy confirm"',
    )
  }
  if (policy.expires !== null && now.instant > endOfDay(policy.expires, now)) {
    throw new InputError(
      'ERR_POLICY_EXPIRED',
      `this policy ended on ${policy.expires}: set a new "expires", then "concordat policy confirm"`,
    )
  }
}

export interface Proposal {
  readonly plan: Plan
  /** Fewest honest contributions in any sum that can be opened. */
  readonly honest: number
  /** The key that signed the plan, in hexadecimal, once its signature has been checked. */
  readonly author: string | undefined
  /** Whether the mechanism hides somebody in the sum. */
  readonly protected: boolean
  /** What all rounds together cost one of those it hides. */
  readonly whole: readonly PrivacyEvent[]
}

/** What a plan breaks, before any record is read. */
export function planFaults(policy: Policy, { plan, honest, author, protected: hides, whole }: Proposal): Fault[] {
  const columns = [...plan.data.columns.filter(({ type }) => type !== 'ignore').map(({ name }) => name)]
  if (plan.data.label !== undefined) columns.push(plan.data.label.column)
  const wide = plan.data.columns.find(
    (column) => column.type === 'category' && column.categories.length > (policy.maximumCategories ?? Infinity),
  )
  return found([
    ...unlisted('algorithms', policy.algorithms, [plan.algorithm.name]),
    ...unlisted('models', policy.models, plan.model === undefined ? [] : [plan.model.name]),
    ...unlisted('columns', policy.columns, columns),
    ...unlisted('privacy.mechanisms', policy.privacy.mechanisms, [plan.privacy.name]),
    !hides &&
      !policy.privacy.unprotected && {
        rule: 'privacy.unprotected',
        message: `the plan's mechanism "${plan.privacy.name}" hides no person in the sum`,
      },
    hides && wholeFault(policy, whole),
    honest < policy.minimumSites && {
      rule: 'minimumSites',
      message: `a sum of this plan may hold ${honest} honest contributions, expected ${policy.minimumSites}`,
    },
    wide !== undefined && {
      rule: 'maximumCategories',
      message: `column "${wide.name}" has more than ${policy.maximumCategories} categories`,
    },
    policy.authors !== 'any' &&
      !policy.authors.some(({ identity }) => identity === author) && {
        rule: 'authors',
        message: author === undefined ? 'nobody has signed the plan' : `the key ${author} is nobody's on the list`,
      },
  ])
}

function wholeFault({ privacy }: Policy, whole: readonly PrivacyEvent[]): Fault | false {
  const epsilon = rdpEpsilon(whole, privacy.delta)
  if (epsilon <= privacy.epsilon) return false
  const message = `all rounds together cost epsilon ${epsilon.toFixed(4)} at delta ${privacy.delta}, expected ${privacy.epsilon} at most`
  return { rule: 'privacy.epsilon', message }
}

export interface Measures {
  readonly plan: Plan
  /** Of this site. */
  readonly rows: number
  /** Numbers of the model; 0 where there is none. */
  readonly parameters: number
}

/** What a plan breaks on this site's own table. Says nothing of a record, and stays at the site. */
export function dataFaults(policy: Policy, { plan, rows, parameters }: Measures): Fault[] {
  const most = (perRow: number | null): number => (perRow === null ? Infinity : perRow * rows)
  const dense = plan.data.columns.find(
    (column) => column.type === 'category' && column.categories.length > most(policy.categoriesPerRow),
  )
  return found([
    rows < policy.minimumRows && {
      rule: 'minimumRows',
      message: `the table has ${rows} rows, expected ${policy.minimumRows}`,
    },
    dense !== undefined && {
      rule: 'categoriesPerRow',
      message: `column "${dense.name}" has more than ${policy.categoriesPerRow} categories a row (${rows} rows)`,
    },
    parameters > most(policy.parametersPerRow) && {
      rule: 'parametersPerRow',
      message: `the model has ${parameters} parameters, more than ${policy.parametersPerRow} a row (${rows} rows)`,
    },
  ])
}

export interface RoundAhead {
  readonly plan: Plan
  readonly now: Moment
  /** What the run has cost a person so far, this round included. */
  readonly charged: readonly PrivacyEvent[]
  readonly protected: boolean
}

/** What a round breaks, asked before anything is computed for it. */
export function roundFaults(policy: Policy, { plan, now, charged, protected: hides }: RoundAhead): Fault[] {
  const { day, minutes } = clockOf(now)
  const { hours, privacy } = policy
  const within =
    hours === null || (hours.days.includes(day) && minutes >= minutesOf(hours.from) && minutes < minutesOf(hours.to))
  const epsilon = hides ? rdpEpsilon(charged, privacy.delta) : 0
  return found([
    !within && { rule: 'hours', message: 'the policy has other hours' },
    plan.study !== undefined &&
      now.instant > endOfDay(plan.study.expires, { zone: 0 }) && {
        rule: 'study.expires',
        message: `the study ended on ${plan.study.expires}`,
      },
    epsilon > privacy.epsilon && {
      rule: 'privacy.epsilon',
      message: `after this round the run would have cost more than epsilon ${privacy.epsilon} at delta ${privacy.delta}`,
    },
  ])
}

/** The contribution as the policy lets it leave: small cells of tables count as empty. */
export interface Released {
  readonly lanes: Lanes
  /** Cells that were held back. */
  readonly suppressed: number
}

/** @returns a fault where the policy would rather refuse than suppress. */
export function releaseCells(policy: Policy, request: SumRequest, lanes: Lanes): Released | Fault {
  let suppressed = 0
  const released = request.lanes.map(({ name, cells }): [string, Lanes[string]] => {
    if (cells !== true) return [name, lanes[name]]
    return [
      name,
      lanes[name].map((count) => {
        const small = count > 0 && count < policy.minimumCell
        if (small) suppressed++
        return small ? 0 : count
      }),
    ]
  })
  if (suppressed > 0 && policy.smallCells === 'refuse')
    return { rule: 'minimumCell', message: `a table has cells below ${policy.minimumCell}` }
  return { lanes: Object.fromEntries(released), suppressed }
}

/** For a person: every rule and what it met. */
export const faultText = (faults: readonly Fault[]): string =>
  faults.map(({ rule, message }) => `${rule}: ${message}`).join('\n')

const found = (faults: readonly (Fault | false)[]): Fault[] => faults.filter((fault) => fault !== false)

function unlisted(rule: string, allowed: 'any' | readonly string[], wanted: readonly string[]): Fault[] {
  if (allowed === 'any') return []
  return wanted
    .filter((name) => !allowed.includes(name))
    .map((name) => ({ rule, message: `"${name}" is not on the list (${allowed.join(', ') || 'empty'})` }))
}

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
