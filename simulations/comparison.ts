/** What federating brings, as a table on the terminal: each site alone, all together federated, and all rows pooled. */

import type { Estimate } from '../learning/metrics/interval.ts'
import { type Figures, headline, headlineName, mean, type Outcome } from './outcome.ts'

/** Of one seed with 95 % intervals, of several with their mean and, between seeds, least and greatest. */
export function comparisonTable(outcomes: readonly Outcome[]): string {
  const [first] = outcomes
  const rows: [string, (outcome: Outcome) => Figures][] = [
    ...first.sites.map((name, i): [string, (outcome: Outcome) => Figures] => [
      `${name} alone`,
      ({ alone }) => alone[i],
    ]),
    ['federated', ({ federated }) => federated],
    ['pooled', ({ pooled }) => pooled],
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const several = outcomes.length > 1
  const interval = several ? `mean of ${outcomes.length} seeds, least to greatest` : '95 % interval'
  const ranked = first.federated.accuracy === undefined || first.federated.auc !== undefined
  const judged = first.federated.accuracy !== undefined
  const line = (name: string, auc: string, accuracy: string): string =>
    `  ${name.padEnd(width)}${ranked ? auc.padEnd(26) : ''}${judged ? accuracy : ''}`.trimEnd()
  return [
    `judged on the rows all sites hold out; ${interval}`,
    line('', headlineName(first.federated), 'accuracy'),
    ...rows.map(([name, of]) => {
      const figures = outcomes.map(of)
      return line(name, cell(figures.map(headline)), cell(figures.map(({ accuracy }) => accuracy ?? headline({}))))
    }),
    `model ${first.modelHash}`,
  ].join('\n')
}

function cell(estimates: readonly Estimate[]): string {
  const [first] = estimates
  const values = estimates.map(({ value }) => value)
  if (values.length === 1) return `${first.value.toFixed(3)}  ${first.low.toFixed(3)} to ${first.high.toFixed(3)}`
  return `${mean(values).toFixed(3)}  ${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`
}
