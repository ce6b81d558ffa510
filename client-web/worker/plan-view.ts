/** A plan and what it would mean here, as the page shows it in the reader's language. */

import { toHex } from '../../protocol/bytes.ts'
import type { DeskItem } from '../../protocol/participant/approval.ts'
import { planHash } from '../../protocol/plan.ts'
import type { PlanView } from './page-state.ts'

export const hashOf = ({ plan }: Pick<DeskItem, 'plan'>): string => toHex(planHash(plan))

export function planView({ plan, preview }: DeskItem): PlanView {
  const { departures, rounds, rows, parameters, privacy } = preview
  const { author, study } = plan
  return {
    ...{ name: plan.name, description: plan.description, hash: hashOf({ plan }) },
    ...{ algorithm: plan.algorithm.name, model: plan.model?.name, parameters, rounds, rows },
    columns: plan.data.columns.filter(({ type }) => type !== 'ignore').map(({ name }) => name),
    label: plan.data.label?.column,
    departures: departures.map(({ purpose, lanes, bytes }) => ({
      ...{ purpose, bytes },
      numbers: lanes.map(({ name, length }) => ({ name, length })),
    })),
    cost: privacy,
    study,
    author: author && { name: author.name, key: author.identity },
  }
}
