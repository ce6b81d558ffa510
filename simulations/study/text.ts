/** Results of a study on the terminal, and as a table of plain text for other programs. */

import type { Estimate } from '../../learning/metrics/interval.ts'
import { comparisonTable } from '../comparison.ts'
import { headline, headlineName, type Outcome, summaryOf } from '../outcome.ts'
import { overSeeds } from './intervals.ts'
import type { CellResult } from './results.ts'
import type { Progress } from './study.ts'

/** Results of the seeds of one cell. */
export interface CellGroup {
  readonly label: string
  readonly results: readonly CellResult[]
}

export function byCell(results: readonly CellResult[]): readonly CellGroup[] {
  const labels = [...new Set(results.map(({ label }) => label))]
  return labels.map((label) => ({ label, results: results.filter((result) => result.label === label) }))
}

/** The outcome of a result that was held against all sites alone and all rows pooled. */
export function outcomeFrom(result: CellResult): Outcome | undefined {
  const { federated, pooled, alone = [], seed, rounds, modelHash } = result
  if (federated === undefined || pooled === undefined) return undefined
  return {
    seed,
    sites: alone.map(({ site }) => site),
    alone: alone.map(({ figures }) => figures),
    ...{ federated, pooled, rounds: rounds.length, modelHash },
  }
}

export function textOf(results: readonly CellResult[]): string {
  const groups = byCell(results)
  const [first] = results
  if (first.table !== undefined) return JSON.stringify(first.table, null, 2)
  const outcomes = results.flatMap((result) => outcomeFrom(result) ?? [])
  if (groups.length === 1 && outcomes.length === results.length) return comparisonTable(outcomes)
  const width = Math.max(...groups.map(({ label }) => (label || first.algorithm).length)) + 2
  const several = first.federated && results.length > groups.length
  return [
    first.federated
      ? `${headlineName(first.federated)} on the rows all sites hold out${several ? '; means over the seeds with 95 % intervals' : ''}`
      : 'not judged: nothing was held out',
    ...groups.map(({ label, results: own }) => `  ${(label || first.algorithm).padEnd(width)}${lineOf(own)}`),
  ].join('\n')
}

function lineOf(results: readonly CellResult[]): string {
  const [first] = results
  const federated = results.flatMap((result) => (result.federated ? [headline(result.federated)] : []))
  const success = results.flatMap(({ attack }) => attack?.success ?? [])
  const parts = [
    ...(federated.length === 0 ? [] : [estimateText(overSeeds(federated))]),
    `${(first.cost.bytesUp / 1e6).toPrecision(3)} MB up`,
    ...(success.length > 0
      ? [`backdoor ${(100 * (success.reduce((a, b) => a + b, 0) / success.length)).toFixed(0)} %`]
      : []),
    ...(first.epsilon === undefined ? [] : [`epsilon ${first.epsilon.toFixed(2)}`]),
  ]
  return parts.join('   ')
}

const estimateText = ({ value, low, high }: Estimate): string =>
  low === high ? value.toFixed(3) : `${value.toFixed(3)}  ${low.toFixed(3)} to ${high.toFixed(3)}`

/** One object for `--json`: the summary of a study of one cell, a list of cells otherwise. */
export function jsonOf(name: string, results: readonly CellResult[]): unknown {
  const groups = byCell(results)
  const [first] = results
  if (first.table !== undefined) return first.table
  const outcomes = results.flatMap((result) => outcomeFrom(result) ?? [])
  if (groups.length === 1 && outcomes.length === results.length) return summaryOf(outcomes)
  return {
    study: name,
    cells: groups.map(({ label, results: own }) => {
      const federated = own.flatMap((result) => (result.federated ? [headline(result.federated)] : []))
      const pooled = own.flatMap((result) => (result.pooled ? [headline(result.pooled)] : []))
      return {
        label,
        seeds: own.map(({ seed }) => seed),
        modelHashes: own.map(({ modelHash }) => modelHash),
        ...(own[0].federated ? { figure: headlineName(own[0].federated), federated: overSeeds(federated) } : {}),
        ...(pooled.length > 0 ? { pooled: overSeeds(pooled) } : {}),
        bytesUp: own[0].cost.bytesUp,
        seconds: own[0].cost.seconds,
        ...(own[0].attack ? { attack: own.map(({ attack }) => attack) } : {}),
        ...(own[0].defence ? { defence: own[0].defence } : {}),
        ...(own[0].scores ? { scores: own[0].scores } : {}),
        ...(own[0].epsilon === undefined ? {} : { epsilon: own[0].epsilon }),
      }
    }),
  }
}

/** Tidy rows: one number a line. */
export function csvOf(results: readonly CellResult[]): string {
  const rows = results.flatMap((result) => {
    const of = (place: string, name: string, value: number | undefined) =>
      value === undefined || !Number.isFinite(value) ? [] : [[result.label, result.seed, place, name, value]]
    const figuresOf = (place: string, figures: CellResult['federated']) =>
      figures === undefined ? [] : of(place, headlineName(figures), headline(figures).value)
    return [
      ...result.rounds.flatMap(({ round, metrics, seconds, bytesUp, sites }) =>
        Object.entries({ ...metrics, seconds, bytesUp, sites }).flatMap(([name, value]) =>
          of(`round ${round}`, name, value),
        ),
      ),
      ...figuresOf('federated', result.federated),
      ...figuresOf('pooled', result.pooled),
      ...(result.alone ?? []).flatMap(({ site, figures }) => figuresOf(`${site} alone`, figures)),
      ...(result.own ?? []).flatMap(({ site, figures }) => figuresOf(`at ${site}`, figures)),
      ...(result.scores ?? []).flatMap(({ site, shapley }) => of(`score of ${site}`, 'Shapley', shapley.value)),
      ...of('attack', 'success', result.attack?.success),
      ...of('cost', 'bytesUp', result.cost.bytesUp),
      ...of('cost', 'seconds', result.cost.seconds),
    ]
  })
  return `${['cell,seed,of,figure,value', ...rows.map((row) => row.map(cellText).join(','))].join('\n')}\n`
}

const cellText = (value: string | number): string =>
  typeof value === 'string' && /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : String(value)

/** One line when a cell of many is done. */
export function progressLine({ result, known, done, all, left }: Extract<Progress, { type: 'cell' }>): string {
  const figure = result.federated
    ? `  ${headlineName(result.federated)} ${headline(result.federated).value.toFixed(4)}`
    : ''
  const time = known ? 'known already' : `${result.wall.toFixed(1)} s`
  const rest = left === undefined || done === all ? '' : `, about ${durationText(left)} left`
  return `${String(done).padStart(String(all).length)} of ${all}  ${result.label || result.algorithm}, seed ${result.seed}${figure}  ${time}${rest}`
}

const durationText = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.ceil(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`
