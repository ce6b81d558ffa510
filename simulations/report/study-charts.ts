/** The charts of a study: cells beside each other, curves with intervals, sites, privacy, cost, attackers and scores. */

import * as Plot from '@observablehq/plot'
import { escaped } from '../../learning/card/escaped.ts'
import type { Estimate } from '../../learning/metrics/interval.ts'
import { type Figures, headline, headlineName } from '../outcome.ts'
import { overSeeds } from '../study/intervals.ts'
import type { CellResult } from '../study/results.ts'
import type { CellGroup } from '../study/text.ts'
import { accent, draw, other, series } from './draw.ts'

const colourOf = (index: number): string => series[index % series.length]
/** Past the last colour they begin anew, dashed. */
const isDashed = (index: number): boolean => index >= series.length
/** More bands than these hide each other. */
export const mostBands = 4

/** Room for the longest name of a band axis; longer ones are cut. */
const leftOf = (names: readonly string[]): number =>
  Math.min(180, 24 + 6.6 * Math.max(...names.map((name) => name.length)))
const cut = (name: string): string => (name.length > 24 ? `${name.slice(0, 23)}…` : name)

interface Row extends Estimate {
  readonly name: string
  readonly federated: boolean
}

/** Estimates with their intervals, one a line. */
export function estimates(rows: readonly Row[], label: string, what: string): string {
  const shown = rows.map((row) => ({ ...row, name: cut(row.name) }))
  const names = shown.map(({ name }) => name)
  const colour = ({ federated }: Row): string => (federated ? accent : other)
  return draw({
    height: 64 + 24 * names.length,
    marginLeft: leftOf(names),
    ariaLabel: what,
    x: { label, grid: true, nice: true },
    y: { label: null, domain: names },
    marks: [
      Plot.ruleY(shown, { y: 'name', x1: 'low', x2: 'high', stroke: colour, strokeWidth: 2 }),
      Plot.dot(shown, { y: 'name', x: 'value', fill: colour, r: 4 }),
    ],
  })
}

/** Every cell's federated figure, the pooled one faint beside it where there is one. */
export function cellRows(groups: readonly CellGroup[]): readonly Row[] {
  return groups.flatMap(({ label, results }) => {
    const federated = figuresOf(results, ({ federated }) => federated)
    return federated === undefined ? [] : [{ name: label || results[0].algorithm, federated: true, ...federated }]
  })
}

/** Each site alone, federated and pooled, over the seeds of one cell. */
export function modelRows({ results }: CellGroup): readonly Row[] {
  const [first] = results
  const alone = (first.alone ?? []).flatMap(({ site }, i) => {
    const estimate = figuresOf(results, (result) => result.alone?.[i]?.figures)
    return estimate === undefined ? [] : [{ name: `${site} alone`, federated: false, ...estimate }]
  })
  const whole = (name: string, of: (result: CellResult) => Figures | undefined, federated: boolean): Row[] => {
    const estimate = figuresOf(results, of)
    return estimate === undefined ? [] : [{ name, federated, ...estimate }]
  }
  return [
    ...alone,
    ...whole('federated', ({ federated }) => federated, true),
    ...whole('pooled', ({ pooled }) => pooled, false),
  ]
}

export function figuresOf(
  results: readonly CellResult[],
  of: (result: CellResult) => Figures | undefined,
): Estimate | undefined {
  const found = results.flatMap((result) => of(result) ?? [])
  return found.length === results.length ? overSeeds(found.map(headline)) : undefined
}

/** One metric against the round, a line a cell; over several seeds the mean, and its interval as a band. */
export function curves(groups: readonly CellGroup[], metric: string, label: string): string {
  const points = groups.flatMap(({ results }, i) => meanCurve(results, metric).map((point) => ({ ...point, cell: i })))
  const colour = ({ cell }: { readonly cell: number }): string => colourOf(cell)
  return draw({
    height: 240,
    ariaLabel: `${label} over the rounds`,
    x: { label: 'round' },
    y: { label, grid: true, nice: true },
    marks: [
      ...(groups.length > mostBands
        ? []
        : [Plot.areaY(points, { x: 'round', y1: 'low', y2: 'high', z: 'cell', fill: colour, fillOpacity: 0.15 })]),
      ...[false, true].map((dashed) =>
        Plot.lineY(
          points.filter(({ cell }) => isDashed(cell) === dashed),
          {
            ...{ x: 'round', y: 'value', z: 'cell', stroke: colour, strokeWidth: 1.75 },
            ...(dashed ? { strokeDasharray: '4 3' } : {}),
          },
        ),
      ),
    ],
  })
}

function meanCurve(results: readonly CellResult[], metric: string): (Estimate & { readonly round: number })[] {
  const rounds = results[0].rounds.flatMap(({ round, purpose }) => (purpose.startsWith('training') ? [round] : []))
  return rounds.flatMap((round) => {
    const values = results.flatMap(
      (result) => result.rounds.find((line) => line.round === round)?.metrics[metric] ?? [],
    )
    if (values.length < results.length) return []
    return [{ round, ...overSeeds(values.map((value) => ({ value, low: value, high: value }))) }]
  })
}

/** Metrics that a study's rounds have in common, most telling first. */
export const curveMetric = ({ rounds }: CellResult): string | undefined =>
  ['auc', 'accuracy', 'r2', 'trainingLoss'].find((name) => rounds.some(({ metrics }) => Object.hasOwn(metrics, name)))

/** What each site gets: one dot a site and cell, so that the spread shows whom the model leaves behind. */
export function fairness(groups: readonly CellGroup[]): string {
  const names = groups.map(({ label, results }) => cut(label || results[0].algorithm))
  const dots = groups.flatMap(({ results }, i) =>
    (results[0].own ?? []).flatMap(({ figures }) => {
      const { value } = headline(figures)
      return Number.isFinite(value) ? [{ name: names[i], value }] : []
    }),
  )
  const first = groups[0].results[0].federated
  return draw({
    height: 70 + 30 * names.length,
    marginLeft: leftOf(names),
    ariaLabel: 'the model at each site',
    x: { label: first ? headlineName(first) : '', grid: true, nice: true },
    y: { label: null, domain: names },
    marks: [Plot.dot(dots, { x: 'value', y: 'name', stroke: accent, strokeOpacity: 0.7, r: 3.5 })],
  })
}

/** Utility against epsilon. */
export function privacyCurve(groups: readonly CellGroup[]): string {
  const points = groups.flatMap(({ results }) => {
    const figure = figuresOf(results, ({ federated }) => federated)
    const { epsilon } = results[0]
    return epsilon === undefined || figure === undefined ? [] : [{ epsilon, ...figure }]
  })
  points.sort((a, b) => a.epsilon - b.epsilon)
  return draw({
    height: 240,
    ariaLabel: 'utility against epsilon',
    x: { label: 'epsilon', type: 'log', ticks: points.map(({ epsilon }) => epsilon), tickFormat: shortNumber },
    y: { label: nameIn(groups), grid: true, nice: true },
    marks: [
      Plot.ruleX(points, { x: 'epsilon', y1: 'low', y2: 'high', stroke: accent }),
      Plot.lineY(points, { x: 'epsilon', y: 'value', stroke: accent }),
      Plot.dot(points, { x: 'epsilon', y: 'value', fill: accent, r: 4 }),
    ],
  })
}

const shortNumber = (value: number): string => String(Number(value.toPrecision(2)))

/** Utility against what the sites sent. */
export function costChart(groups: readonly CellGroup[]): string {
  const points = groups.flatMap(({ results }, cell) => {
    const figure = figuresOf(results, ({ federated }) => federated)
    return figure === undefined ? [] : [{ megabytes: results[0].cost.bytesUp / 1e6, cell, ...figure }]
  })
  const colour = ({ cell }: { readonly cell: number }): string => colourOf(cell)
  return draw({
    height: 240,
    ariaLabel: 'utility against bytes',
    x: { label: 'MB sent by all sites', nice: true, zero: true },
    y: { label: nameIn(groups), grid: true, nice: true },
    marks: [
      Plot.ruleX(points, { x: 'megabytes', y1: 'low', y2: 'high', stroke: colour }),
      Plot.dot(points, { x: 'megabytes', y: 'value', fill: colour, r: 5 }),
    ],
  })
}

/** Each site's score with its interval, of the first seed. */
export function scoreChart({ results: [first] }: CellGroup): string {
  const rows = (first.scores ?? []).map(({ site, shapley }) => ({ name: site, federated: true, ...shapley }))
  return estimates(rows.slice(0, 40), 'Shapley value: loss taken off', 'contribution scores')
}

/** What the colours mean. */
export const legend = (groups: readonly CellGroup[]): string =>
  groups.length < 2
    ? ''
    : `<ul class="legend">${groups.map(({ label, results }, i) => `<li><i${isDashed(i) ? ' class="dashed"' : ''} style="--colour:${colourOf(i)}"></i>${escaped(label || results[0].algorithm)}</li>`).join('')}</ul>`

const nameIn = ([{ results }]: readonly CellGroup[]): string =>
  results[0].federated ? headlineName(results[0].federated) : ''
