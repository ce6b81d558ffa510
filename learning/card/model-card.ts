/**
 * The card of a model or an analysis: what a reader must know before using it, all of it from the plan, the journal and
 * the replayed result. Mitchell et al. 2019, "Model Cards for Model Reporting".
 */

import type { JournalEntry, SealedEntry } from '../../protocol/journal/entries.ts'
import { consentOf, type Plan } from '../../protocol/plan.ts'
import { rdpEpsilon } from '../../protocol/privacy/accountants/rdp.ts'
import { deltaOf } from '../../protocol/privacy/promise.ts'
import { roundOf } from '../../protocol/wire/attempts.ts'
import type { Replayed } from '../audit.ts'

export interface ModelCard {
  readonly concordat: 1
  readonly kind: 'model-card'
  readonly name: string
  readonly description: string
  readonly intendedUse: string
  /** The last day of the study, where it has one. */
  readonly expires: string | null
  readonly author: string | null
  readonly algorithm: string
  readonly model: string | null
  readonly columns: readonly { readonly name: string; readonly type: string; readonly values: string }[]
  readonly label: string | null
  readonly rounds: number
  readonly sites: readonly Attendance[]
  readonly absences: readonly {
    readonly round: number
    readonly site: string
    readonly code: string
    readonly reason: string
  }[]
  readonly privacy: {
    readonly mechanism: string
    readonly unit: string | null
    /** Of all rounds together; `null` where nothing bounds it. */
    readonly epsilon: number | null
    readonly delta: number
  }
  /** On rows no site trained on; `low` and `high` are a 95 % interval where there is one. */
  readonly metrics: readonly Metric[]
  readonly hashes: {
    readonly plan: string
    readonly terms: string
    readonly session: string
    readonly state: string
    readonly journal: string
  }
}

interface Attendance {
  readonly name: string
  /** Rounds whose sum holds this site. */
  readonly rounds: number
  readonly countersigned: boolean
  readonly withdrawn: boolean
}

export interface Metric {
  readonly name: string
  readonly value: number
  readonly low: number | null
  readonly high: number | null
}

export interface CardParts {
  readonly plan: Plan
  readonly entries: readonly SealedEntry[]
  readonly replayed: Replayed
}

export function modelCard({ plan, entries, replayed }: CardParts): ModelCard {
  const rounds = entries.flatMap(({ entry }) => (entry.type === 'round' ? [entry] : []))
  const { planHash, terms } = consentOf(plan)
  return {
    ...{ concordat: 1, kind: 'model-card', name: plan.name, description: plan.description },
    intendedUse: plan.study?.intendedUse ?? '',
    expires: plan.study?.expires ?? null,
    author: plan.author?.name ?? null,
    algorithm: plan.algorithm.name,
    model: plan.model?.name ?? null,
    columns: plan.data.columns.filter(({ type }) => type !== 'ignore').map(describeColumn),
    label: plan.data.label?.column ?? null,
    rounds: rounds.length,
    sites: rosterOf(entries).map((name) => ({
      name,
      rounds: rounds.filter(({ participants }) => participants.includes(name)).length,
      countersigned: replayed.countersigned.has(name),
      withdrawn: replayed.withdrawn.includes(name),
    })),
    absences: rounds.flatMap(({ attempt, absent }) => absent.map((each) => ({ round: roundOf(attempt), ...each }))),
    privacy: privacyOf(plan, replayed),
    metrics: metricsOf(replayed.result),
    hashes: { plan: planHash, terms, session: replayed.session, state: replayed.stateHash, journal: replayed.head },
  }
}

function describeColumn(column: Plan['data']['columns'][number]): ModelCard['columns'][number] {
  const { name, type } = column
  if (column.type === 'number')
    return { name, type, values: `${column.range.join(' to ')}${column.unit === undefined ? '' : ` ${column.unit}`}` }
  return { name, type, values: column.type === 'category' ? column.categories.join(', ') : '' }
}

const rosterOf = (entries: readonly SealedEntry[]): string[] =>
  entries.flatMap(({ entry }) => (entry.type === 'roster' ? namesOf(entry) : []))

const namesOf = ({ sites }: Extract<JournalEntry, { readonly type: 'roster' }>): string[] =>
  sites.map(({ name }) => name)

function privacyOf({ privacy }: Plan, { unit, charges }: Replayed): ModelCard['privacy'] {
  const delta = deltaOf(privacy)
  const epsilon = unit === undefined ? Number.POSITIVE_INFINITY : rdpEpsilon(charges, delta)
  return { mechanism: privacy.name, unit: unit ?? null, epsilon: Number.isFinite(epsilon) ? epsilon : null, delta }
}

/** Whatever the evaluation reports as a number, with its interval where it has one. */
function metricsOf(result: unknown): Metric[] {
  if (typeof result !== 'object' || result === null || !('metrics' in result)) return []
  return Object.entries(result.metrics ?? {}).flatMap(([name, value]: [string, unknown]): Metric[] => {
    if (typeof value === 'number') return [{ name, value, low: null, high: null }]
    return isEstimate(value) ? [{ name, value: value.value, low: value.low, high: value.high }] : []
  })
}

const isEstimate = (value: unknown): value is { value: number; low: number; high: number } =>
  typeof value === 'object' &&
  value !== null &&
  ['value', 'low', 'high'].every(
    (key) => key in value && typeof Object.entries(value).find(([name]) => name === key)?.[1] === 'number',
  )
