/** What came of a federation: every model judged on the rows that all sites hold out. */

import { compare } from '../learning/algorithms/baselines.ts'
import type { Report } from '../learning/algorithms/evaluation.ts'
import type { ModelFile } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import type { Estimate } from '../learning/metrics/interval.ts'
import type { Plan } from '../protocol/plan.ts'

export interface Figures {
  /** Of a binary label alone. */
  readonly auc?: Estimate
  /** Of classes. */
  readonly accuracy?: Estimate
  /** Of a number: the share of the variance that is explained, without an interval of its own. */
  readonly r2?: Estimate
}

const none: Estimate = { value: Number.NaN, low: Number.NaN, high: Number.NaN }

/** The figure that models are compared by. */
export const headline = ({ auc, accuracy, r2 }: Figures): Estimate => auc ?? accuracy ?? r2 ?? none
export const headlineName = ({ auc, accuracy }: Figures): string =>
  auc !== undefined ? 'AUC' : accuracy !== undefined ? 'accuracy' : 'R²'

/** Of one seed. */
export interface Outcome {
  readonly seed: number
  readonly sites: readonly string[]
  readonly alone: readonly Figures[]
  readonly federated: Figures
  readonly pooled: Figures
  readonly rounds: number
  readonly modelHash: string
}

export interface Trained {
  readonly model: ModelFile
  readonly modelHash: string
  readonly rounds: number
  readonly sites: readonly Site[]
}

/** Holds a federated model against each site alone and all rows pooled. */
export async function outcomeOf(plan: Plan, { model, modelHash, rounds, sites }: Trained): Promise<Outcome> {
  const { alone, federated, pooled } = await compare(plan, model, sites)
  return {
    seed: plan.seed,
    sites: sites.map(({ name }) => name),
    alone: alone.map(figures),
    federated: figures(federated),
    pooled: figures(pooled),
    rounds,
    modelHash,
  }
}

/** What `--json` prints last. */
export interface Summary {
  readonly sites: readonly string[]
  readonly seeds: readonly number[]
  readonly rounds: number
  /** Of the first seed. */
  readonly modelHash: string
  /** Means over the seeds, on the rows all sites hold out. */
  readonly auc?: Means
  readonly accuracy?: Means
  readonly r2?: Means
}

interface Means {
  readonly alone: readonly number[]
  readonly federated: number
  readonly pooled: number
}

export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const [{ sites, rounds, modelHash, federated: figures }] = outcomes
  const means = (of: (figures: Figures) => Estimate): Means => ({
    alone: sites.map((_, i) => mean(outcomes.map(({ alone }) => of(alone[i]).value))),
    federated: mean(outcomes.map(({ federated }) => of(federated).value)),
    pooled: mean(outcomes.map(({ pooled }) => of(pooled).value)),
  })
  const seeds = outcomes.map(({ seed }) => seed)
  return {
    ...{ sites, seeds, rounds, modelHash },
    ...(figures.auc ? { auc: means(({ auc = none }) => auc) } : {}),
    ...(figures.accuracy ? { accuracy: means(({ accuracy = none }) => accuracy) } : {}),
    ...(figures.r2 ? { r2: means(({ r2 = none }) => r2) } : {}),
  }
}

export function figures(report: Report): Figures {
  if (report.type === 'number') return { r2: { value: report.r2, low: report.r2, high: report.r2 } }
  return report.type === 'binary' ? { auc: report.auc, accuracy: report.accuracy } : { accuracy: report.accuracy }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
