/** What the rounds of a private plan cost, written into the run's journal after each. */

import type { SumRequest } from '../protocol/algorithm.ts'
import { fromHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { budgetEntry, nothingSpent, roundCost, type Spent, spentAfter } from '../protocol/journal/budget.ts'
import type { RunParts, RunState } from './run-state.ts'

type Charged<State, Site> = Pick<
  RunState<State, Site>,
  'plan' | 'unit' | 'cost' | 'spent' | 'entries' | 'algorithm' | 'blobs' | 'journal'
>

/** What the journal says was spent; `undefined` where it says nothing: the plan hides nobody, or an older version began it. */
export function spentBefore({
  unit,
  entries = [],
}: Pick<RunParts<unknown, unknown>, 'unit' | 'entries'>): Spent | undefined {
  if (unit === undefined) return undefined
  const said = entries.map(({ entry }) => entry)
  const rounds = said.filter(({ type }) => type === 'round').length
  const budgets = said.filter((entry) => entry.type === 'budget')
  return rounds > budgets.length + 1
    ? undefined
    : budgets.reduce((spent, { events }) => spentAfter(spent, events), nothingSpent)
}

export async function chargeRound<State, Site>(
  run: Charged<State, Site>,
  { attempt, request }: { readonly attempt: number; readonly request: SumRequest },
): Promise<void> {
  const cost = roundCost(run.plan, run, request)
  if (run.spent === undefined || cost === undefined) return
  await run.journal(budgetEntry(run.spent, attempt, cost))
  run.spent = spentAfter(run.spent, cost.events)
}

/** A crash may have come between a round and its budget. @throws InputError ERR_STORE where the state before it is gone. */
export async function chargeLastRound<State, Site>(run: Charged<State, Site>): Promise<void> {
  const rounds = (run.entries ?? []).flatMap(({ entry }) => (entry.type === 'round' ? [entry] : []))
  const last = rounds.at(-1)
  if (run.spent === undefined || last === undefined || run.spent.releases === rounds.length) return
  const start = await run.blobs.get(fromHex(last.startHash))
  if (start === undefined)
    throw new InputError(
      'ERR_STORE',
      `the state ${last.startHash} before the last round is not in the store; restore a backup`,
    )
  const request = run.algorithm.request(run.algorithm.decode(start))
  if (request !== undefined) await chargeRound(run, { attempt: last.attempt, request })
}
