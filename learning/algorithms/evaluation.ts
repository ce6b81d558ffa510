/** Evaluation as sums: what a site's held-out rows add, and what the sums over all sites say of the model. */

import type { Intervals, Lane, Metrics } from '../../protocol/algorithm.ts'
import { unreachable } from '../../protocol/errors.ts'
import type { Label } from '../../protocol/schema.ts'
import { type BinaryReport, binaryReport } from '../metrics/binary.ts'
import { type Estimate, wilson } from '../metrics/interval.ts'
import { brier, largestLogLoss, logLoss } from '../metrics/losses.ts'
import { countScores, type ScoreCounts, scoreBin } from '../metrics/score-counts.ts'

export interface ClassReport {
  readonly type: 'class'
  readonly examples: number
  readonly accuracy: Estimate
  readonly loss: number
}

export interface NumberReport {
  readonly type: 'number'
  readonly examples: number
  /** In the label's unit. */
  readonly rootMeanSquaredError: number
  readonly meanAbsoluteError: number
  /** Share of the held-out variance that is explained. */
  readonly r2: number
}

export type Report = BinaryReport | ClassReport | NumberReport

/** One sum: how many numbers, and the most that one row can add to each. */
interface Sum {
  readonly name: string
  readonly length: number
  readonly each: number
  readonly kind: Lane['kind']
}

/** Sums by name, each a Float64Array of its length. */
type Sums = Readonly<Record<string, Float64Array>>

/** What is summed for a label; `bins` are those of the score histograms. */
export function evaluationSums(label: Label, bins: number): readonly Sum[] {
  const count = (name: string, length = 1): Sum => ({ name: `evaluation.${name}`, length, each: 1, kind: 'integer' })
  const real = (name: string, each: number): Sum => ({ name: `evaluation.${name}`, length: 1, each, kind: 'real' })
  switch (label.type) {
    case 'binary':
      return [
        count('examples'),
        real('loss', largestLogLoss),
        real('brier', 1),
        count('confusion', 4),
        count('positives', bins),
        count('negatives', bins),
      ]
    case 'class':
      return [count('examples'), real('loss', largestLogLoss), count('correct')]
    case 'number':
      return [count('examples'), ...['squared', 'absolute', 'label', 'label2'].map((name) => real(name, 1))]
    default:
      return unreachable(label)
  }
}

/** Outputs of a model, probabilities or numbers in the label's unit, beside the labels of the same rows. */
export interface Judged {
  readonly outputs: Float32Array
  readonly labels: Float32Array
}

/** Sums of no rows. */
export const noEvaluation = (label: Label, bins: number): Sums =>
  Object.fromEntries(evaluationSums(label, bins).map(({ name, length }) => [name, new Float64Array(length)]))

/** One site's part. */
export const evaluate = (label: Label, bins: number, rows: Judged): Sums =>
  addEvaluation(noEvaluation(label, bins), label, bins, rows)

/** Adds rows to `sums`, one after the other: in blocks the same numbers as all at once. */
export function addEvaluation(sums: Sums, label: Label, bins: number, { outputs, labels }: Judged): Sums {
  sums['evaluation.examples'][0] += labels.length
  switch (label.type) {
    case 'binary':
      for (let i = 0; i < labels.length; i++) addBinary(sums, outputs[i], labels[i], bins)
      return sums
    case 'class':
      for (let i = 0; i < labels.length; i++)
        addClass(sums, outputs, labels[i], i * label.classes.length, label.classes.length)
      return sums
    case 'number':
      for (let i = 0; i < labels.length; i++) addNumber(sums, outputs[i], labels[i], label.range)
      return sums
    default:
      return unreachable(label)
  }
}

/** What the sums say; figures without examples are NaN. `ranked` makes the figures of ranks exact, where it is known. */
export function readEvaluation(label: Label, sums: Sums, ranked?: ScoreCounts): Report {
  const sum = (name: string, i = 0) => sums[`evaluation.${name}`][i]
  const examples = sum('examples')
  switch (label.type) {
    case 'binary': {
      const [truePositives, falsePositives, trueNegatives, falseNegatives] = sums['evaluation.confusion']
      const confusion = { truePositives, falsePositives, trueNegatives, falseNegatives }
      const scores = { positives: sums['evaluation.positives'], negatives: sums['evaluation.negatives'] }
      return binaryReport({ loss: sum('loss'), brier: sum('brier'), confusion, scores }, ranked)
    }
    case 'class':
      return { type: 'class', examples, accuracy: wilson(sum('correct'), examples), loss: sum('loss') / examples }
    case 'number': {
      const width = label.range[1] - label.range[0]
      const mean = sum('label') / examples
      const variance = sum('label2') / examples - mean * mean
      return {
        type: 'number',
        examples,
        rootMeanSquaredError: width * Math.sqrt(Math.max(0, sum('squared')) / examples),
        meanAbsoluteError: (width * sum('absolute')) / examples,
        r2: 1 - sum('squared') / examples / variance,
      }
    }
    default:
      return unreachable(label)
  }
}

/** The same figures from outputs that lie in one place: ranks are exact, not by bins. */
export function judge(label: Label, bins: number, rows: Judged): Report {
  const ranked = label.type === 'binary' ? countScores(rows.outputs, rows.labels) : undefined
  return readEvaluation(label, evaluate(label, bins, rows), ranked)
}

/** The report's single numbers, for a line on a terminal. */
export function metricsOf(report: Report): Metrics {
  const numbers = Object.entries(report).flatMap(([name, value]: [string, unknown]) => {
    const number = typeof value === 'number' ? value : isEstimate(value) ? value.value : Number.NaN
    return Number.isFinite(number) ? [[name, number]] : []
  })
  return Object.fromEntries(numbers)
}

/** Of the report's estimates; one without width, at an area of 1, says nothing. */
export function intervalsOf(report: Report): Intervals {
  const estimates = Object.entries(report).flatMap(([name, value]: [string, unknown]): [string, [number, number]][] =>
    isEstimate(value) && value.low < value.high ? [[name, [value.low, value.high]]] : [],
  )
  return Object.fromEntries(estimates)
}

function addBinary(sums: Sums, probability: number, label: number, bins: number): void {
  const predicted = probability >= 0.5
  sums['evaluation.loss'][0] += logLoss(label === 1 ? probability : 1 - probability)
  sums['evaluation.brier'][0] += brier(probability, label)
  // The order of `confusion`: true and false positives, true and false negatives.
  sums['evaluation.confusion'][predicted ? (label === 1 ? 0 : 1) : label === 0 ? 2 : 3]++
  sums[label === 1 ? 'evaluation.positives' : 'evaluation.negatives'][scoreBin(probability, bins)]++
}

function addClass(sums: Sums, outputs: Float32Array, label: number, start: number, classes: number): void {
  let best = 0
  for (let c = 1; c < classes; c++) if (outputs[start + c] > outputs[start + best]) best = c
  if (best === label) sums['evaluation.correct'][0]++
  sums['evaluation.loss'][0] += logLoss(outputs[start + label])
}

/** Errors are measured in widths of the range and end at 1, so that one row's part is bounded. */
function addNumber(sums: Sums, output: number, label: number, [low, high]: readonly [number, number]): void {
  const error = Math.min(1, Math.abs(output - label) / (high - low))
  const place = (label - low) / (high - low)
  sums['evaluation.squared'][0] += error * error
  sums['evaluation.absolute'][0] += error
  sums['evaluation.label'][0] += place
  sums['evaluation.label2'][0] += place * place
}

const isEstimate = (value: unknown): value is Estimate =>
  typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'number'
