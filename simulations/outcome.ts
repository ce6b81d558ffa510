/** What came of a federation: every model judged on the rows that all sites hold out. */

import { compare } from '../learning/algorithms/baselines.ts'
import type { Report } from '../learning/algorithms/evaluation.ts'
import type { ModelFile } from '../learning/algorithms/model-file.ts'
import type { Site } from '../learning/algorithms/site.ts'
import type { Estimate } from '../learning/metrics/interval.ts'
import { InputError } from '../protocol/errors.ts'
import type { Plan } from '../protocol/plan.ts'

export interface Figures {
  readonly auc: Estimate
  readonly accuracy: Estimate
}

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
  readonly auc: { readonly alone: readonly number[]; readonly federated: number; readonly pooled: number }
  readonly accuracy: Summary['auc']
}

export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const [{ sites, rounds, modelHash }] = outcomes
  const means = (metric: keyof Figures): Summary['auc'] => ({
    alone: sites.map((_, i) => mean(outcomes.map(({ alone }) => alone[i][metric].value))),
    federated: mean(outcomes.map(({ federated }) => federated[metric].value)),
    pooled: mean(outcomes.map(({ pooled }) => pooled[metric].value)),
  })
  const seeds = outcomes.map(({ seed }) => seed)
  return { sites, seeds, rounds, modelHash, auc: means('auc'), accuracy: means('accuracy') }
}

function figures(report: Report): Figures {
  if (report.type !== 'binary')
    throw new InputError(
      'ERR_SIMULATION_LABEL',
      'expected a plan with a binary label: the comparison is by AUC',
      'data.label',
    )
  return { auc: report.auc, accuracy: report.accuracy }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
