/** A study as one self-contained page: what federating brings, to whom, at what cost, and what stands in its way. */

import { escaped } from '../../learning/card/escaped.ts'
import type { Estimate } from '../../learning/metrics/interval.ts'
import { headline, headlineName } from '../outcome.ts'
import type { CellResult } from '../study/results.ts'
import { byCell, type CellGroup } from '../study/text.ts'
import { figure, page, table } from './page.ts'
import {
  cellRows,
  costChart,
  curveMetric,
  curves,
  estimates,
  fairness,
  figuresOf,
  legend,
  modelRows,
  mostBands,
  privacyCurve,
  scoreChart,
} from './study-charts.ts'

export interface StudyReport {
  readonly name: string
  readonly description: string
  /** At least one. */
  readonly results: readonly CellResult[]
  /** The command that gives the same results again. */
  readonly command: string
}

/** @returns the text of an HTML file. */
export function studyReport({ name, description, results, command }: StudyReport): string {
  const groups = byCell(results)
  const parts = [
    tiles(groups),
    chartSection(groups),
    modelTable(groups),
    siteTable(groups),
    attackTable(groups),
    scoreTable(groups),
    costTable(groups),
    absenceTable(groups),
    again(results, command),
  ]
  return page({ kind: 'Concordat study', name, description }, parts.filter((part) => part !== '').join('\n'))
}

/** The one sentence most readers come for: of a single cell the three figures, of several the best and the worst. */
function tiles(groups: readonly CellGroup[]): string {
  const [{ results }] = groups
  const name = results[0].federated && headlineName(results[0].federated)
  if (name === undefined) return ''
  const tile = (value: number, text: string, main = false): string =>
    `<div class="tile${main ? ' main' : ''}"><span class="figure">${value.toFixed(3)}</span><span>${escaped(text)}</span></div>`
  if (groups.length === 1) {
    const rows = modelRows(groups[0])
    const alone = rows.filter(({ name }) => name.endsWith(' alone'))
    const mean = alone.reduce((sum, { value }) => sum + value, 0) / alone.length
    return section([
      ...(alone.length > 0 ? [tile(mean, `${name}, a site alone, on average`)] : []),
      ...rows.flatMap((row) => (row.federated ? [tile(row.value, `${name}, federated`, true)] : [])),
      ...rows.flatMap((row) => (row.name === 'pooled' ? [tile(row.value, `${name}, all rows in one place`)] : [])),
    ])
  }
  const cells = [...cellRows(groups)].sort((a, b) => b.value - a.value)
  const [best, worst] = [cells[0], cells[cells.length - 1]]
  return section([
    tile(best.value, `${name}, best: ${best.name}`, true),
    tile(worst.value, `${name}, worst: ${worst.name}`),
  ])
}

const section = (content: readonly string[]): string => `<section class="tiles">${content.join('\n')}</section>`

function chartSection(groups: readonly CellGroup[]): string {
  const [first] = groups
  const [result] = first.results
  const name = result.federated ? headlineName(result.federated) : ''
  const seeds = first.results.length
  const interval = seeds > 1 ? `mean of ${seeds} seeds with its 95 % interval` : 'with its 95 % interval'
  const metric = curveMetric(result)
  const models = groups.length === 1 ? modelRows(first) : []
  const distinctCosts = new Set(groups.map(({ results }) => results[0].cost.bytesUp)).size
  const protectedCells = groups.filter(({ results }) => results[0].epsilon !== undefined).length
  const judged = result.federated !== undefined
  const charts = [
    ...(models.length > 1
      ? [
          figure(
            'Alone, federated, pooled',
            `${name}, ${interval}, on the rows all sites hold out`,
            estimates(models, name, 'every model with its interval'),
          ),
        ]
      : []),
    ...(groups.length > 1 && judged
      ? [
          figure(
            'The variants beside each other',
            `${name}, ${interval}, on the rows all sites hold out`,
            estimates(cellRows(groups), name, 'every variant with its interval'),
          ),
        ]
      : []),
    ...(metric === undefined
      ? []
      : [
          figure(
            'Over the rounds',
            `From sums over the sites in the round; ${seeds > 1 ? `${groups.length > mostBands ? 'means' : 'the band is the 95 % interval of the mean'}` : 'one seed'}`,
            `${curves(groups, metric, metric === 'auc' ? 'AUC' : metric)}${legend(groups)}`,
          ),
        ]),
    ...((result.own?.length ?? 0) > 1
      ? [
          figure(
            'What each site gets',
            'A dot a site: the model on the rows that the site itself holds out, first seed',
            fairness(groups),
          ),
        ]
      : []),
    ...(protectedCells > 1
      ? [figure('Privacy and utility', `${name} against epsilon, at the delta of the plan`, privacyCurve(groups))]
      : []),
    ...(groups.length > 1 && distinctCosts > 1 && judged
      ? [figure('What it costs', `${name} against all bytes that sites sent`, `${costChart(groups)}${legend(groups)}`)]
      : []),
    ...(result.scores
      ? [
          figure(
            'Who brings what',
            'Shapley value of each site with its 95 % interval, from sums alone',
            scoreChart(first),
          ),
        ]
      : []),
  ]
  return charts.length === 0 ? '' : `<section class="charts">\n${charts.join('\n')}\n</section>`
}

function modelTable(groups: readonly CellGroup[]): string {
  const [{ results }] = groups
  const name = results[0].federated && headlineName(results[0].federated)
  if (name === undefined) return ''
  const rows = groups.flatMap((group) => {
    const head = group.label || group.results[0].algorithm
    return modelRows(group).map((row) => [
      escaped(groups.length > 1 ? `${head}: ${row.name}` : row.name),
      row.value.toFixed(3),
      range(row),
    ])
  })
  const noisy = results[0].epsilon === undefined ? '' : '<p>Alone and pooled train without noise.</p>\n'
  return `<section><h2>Models</h2>\n${noisy}${table(['model', name, '95 %'], rows)}</section>`
}

const range = ({ low, high }: Estimate): string =>
  low === high ? '' : `<span class="quiet">${low.toFixed(3)} to ${high.toFixed(3)}</span>`

/** Fairness in numbers: the worst-off site and the spread. */
function siteTable(groups: readonly CellGroup[]): string {
  const rows = groups.flatMap(({ label, results: [first] }) => {
    const own = (first.own ?? []).map(({ site, figures }) => ({ site, value: headline(figures).value }))
    const judged = own.filter(({ value }) => Number.isFinite(value)).sort((a, b) => a.value - b.value)
    if (judged.length < 2) return []
    const mean = judged.reduce((sum, { value }) => sum + value, 0) / judged.length
    const deviation = Math.sqrt(judged.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / (judged.length - 1))
    const tenth = judged[Math.floor(judged.length / 10)]
    const [worst, best] = [judged[0], judged[judged.length - 1]]
    const place = ({ site, value }: typeof worst): string =>
      `${value.toFixed(3)} <span class="quiet">${escaped(site)}</span>`
    return [
      [
        escaped(label || first.algorithm),
        String(judged.length),
        mean.toFixed(3),
        deviation.toFixed(3),
        place(worst),
        tenth.value.toFixed(3),
        place(best),
      ],
    ]
  })
  if (rows.length === 0) return ''
  return `<section><h2>Fairness over sites</h2>
<p>The model on each site's own held-out rows (its own model, where the algorithm keeps one), first seed.</p>
${table(['variant', 'sites', 'mean', 'deviation', 'worst', 'lowest tenth ends at', 'best'], rows)}</section>`
}

function attackTable(groups: readonly CellGroup[]): string {
  const rows = groups.flatMap(({ label, results }) => {
    const [{ attack, defence, algorithm }] = results
    if (attack === undefined && defence === undefined) return []
    const figure = figuresOf(results, ({ federated }) => federated)
    const success = results.flatMap((result) => result.attack?.success ?? [])
    const share = success.reduce((sum, value) => sum + value, 0) / success.length
    return [
      [
        escaped(label || algorithm),
        attack ? wrapped(`${escaped(attack.name)} by ${attack.cheats}, ${escaped(attack.aim)}`) : '',
        defence ? escaped(defence.name) : 'none',
        wrapped(defence ? sees(defence) : 'one sum of all sites'),
        defence ? `${(1000 * (defence.seconds / results[0].rounds.length)).toFixed(1)} ms a round` : '',
        figure ? `${figure.value.toFixed(3)} ${range(figure)}` : '',
        success.length > 0 ? `${(100 * share).toFixed(1)} %` : '',
      ],
    ]
  })
  if (rows.length === 0) return ''
  return `<section><h2>Attackers and defences</h2>
${table(['variant', 'attack', 'defence', 'the coordinator sees', 'computing', 'model', 'backdoor works'], rows)}</section>`
}

const wrapped = (text: string): string => `<span class="wrap">${text}</span>`

const sees = ({ on, groups }: NonNullable<CellResult['defence']>): string =>
  on === 'groups' ? `sums of ${groups} groups; the secure sum goes on inside each` : 'every contribution: no secure sum'

function scoreTable(groups: readonly CellGroup[]): string {
  const [{ results }] = groups
  const { scores } = results[0]
  if (scores === undefined) return ''
  const interval = ({ value, low, high }: Estimate): string =>
    `${value.toFixed(4)} <span class="quiet">${low.toFixed(4)} to ${high.toFixed(4)}</span>`
  const rows = [...scores]
    .sort((a, b) => b.shapley.value - a.shapley.value)
    .map(({ site, shapley, leaveOneOut }) => [escaped(site), interval(shapley), interval(leaveOneOut)])
  return `<section><h2>Contribution scores</h2>
<p>By how much a site's part lowers the loss on rows that were agreed upon and set aside, added up over the scored rounds. Computed from the
sums of groups; a site has an equal share of its group's. 95 % intervals over sampled orders (Shapley) and over rounds (leave-one-out).</p>
${table(['site', 'Shapley value', 'leave-one-out'], rows)}</section>`
}

function costTable(groups: readonly CellGroup[]): string {
  const rows = groups.map(({ label, results: [first] }) => {
    const { cost, rounds, parameters, algorithm } = first
    const seats = rounds.reduce((sum, { sites }) => sum + sites, 0)
    return [
      escaped(label || algorithm),
      parameters === undefined ? '' : parameters.toLocaleString('en'),
      String(rounds.length),
      `${(cost.bytesUp / 1e6).toPrecision(3)} MB`,
      `${(cost.bytesUp / Math.max(1, seats) / 1e3).toPrecision(3)} kB`,
      duration(cost.seconds),
      `${first.wall.toFixed(1)} s`,
    ]
  })
  const [{ results }] = groups
  const { up, down, latency } = results[0].cost.clock
  return `<section><h2>Cost</h2>
<p>Seconds are those of a deployment on the virtual clock: ${((8 * up) / 1e6).toPrecision(3)} Mbit/s up and ${((8 * down) / 1e6).toPrecision(3)} Mbit/s down at every
site, ${(1000 * latency).toFixed(0)} ms a message, unless the study says that some are slower. First seed.</p>
${table(['variant', 'parameters', 'rounds', 'sent by all sites', 'a site and round', 'a deployment takes', 'this simulation took'], rows)}</section>`
}

const duration = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(1)} s`
    : seconds < 7200
      ? `${(seconds / 60).toFixed(1)} min`
      : `${(seconds / 3600).toFixed(1)} h`

function absenceTable(groups: readonly CellGroup[]): string {
  const rows = groups.flatMap(({ label, results: [first] }) => {
    const counts: Record<string, number> = {}
    for (const { absent } of first.rounds) {
      for (const [code, count] of Object.entries(absent)) counts[code] = (counts[code] ?? 0) + count
    }
    const seats = first.rounds.reduce((sum, { sites }) => sum + sites, 0)
    return Object.entries(counts).map(([code, count]) => [
      escaped(label || first.algorithm),
      `<code>${escaped(code)}</code>`,
      String(count),
      `${((100 * count) / (seats + count)).toFixed(1)} %`,
    ])
  })
  if (rows.length === 0) return ''
  return `<section><h2>Absent from rounds</h2>\n${table(['variant', 'why', 'times', 'of all parts'], rows)}</section>`
}

function again(results: readonly CellResult[], command: string): string {
  const rows = results.map(({ label, algorithm, seed, plan, modelHash }) => [
    escaped(label || algorithm),
    String(seed),
    `<code>${plan}</code>`,
    `<code>${modelHash}</code>`,
  ])
  return `<section><h2>The same again</h2>
<p><code>${escaped(command)}</code></p>
<details><summary>hashes of every plan and its final state</summary>${table(['variant', 'seed', 'plan', 'final state'], rows)}</details>
<p>Intervals are 95 %: of one seed DeLong's for the AUC and Wilson's for the accuracy, of several Student's over the seeds.</p></section>`
}
