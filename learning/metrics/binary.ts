/** How well probabilities tell positives from negatives: every figure from sums alone. */

import { aucInterval } from './auc.ts'
import { type CalibrationGroup, calibrationCurve, calibrationError } from './calibration.ts'
import { type Estimate, wilson } from './interval.ts'
import { kolmogorovSmirnov } from './ks.ts'
import type { ScoreCounts } from './score-counts.ts'

export interface BinarySums {
  /** Sum of log losses. */
  readonly loss: number
  /** Sum of Brier scores. */
  readonly brier: number
  /** At a probability of one half. */
  readonly confusion: {
    readonly truePositives: number
    readonly falsePositives: number
    readonly trueNegatives: number
    readonly falseNegatives: number
  }
  /** A histogram over [0, 1]. */
  readonly scores: ScoreCounts
}

export interface BinaryReport {
  readonly type: 'binary'
  readonly examples: number
  readonly positives: number
  readonly auc: Estimate
  readonly accuracy: Estimate
  readonly sensitivity: Estimate
  readonly specificity: Estimate
  /** Means over the examples. */
  readonly loss: number
  readonly brier: number
  readonly ks: number
  readonly calibrationError: number
  readonly calibration: readonly CalibrationGroup[]
}

/** `ranked` are exact counts of distinct scores, where there are any; the area and the distance are then exact too. */
export function binaryReport({ loss, brier, confusion, scores }: BinarySums, ranked = scores): BinaryReport {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = confusion
  const positives = truePositives + falseNegatives
  const negatives = trueNegatives + falsePositives
  const examples = positives + negatives
  const calibration = calibrationCurve(scores)
  return {
    type: 'binary',
    examples,
    positives,
    auc: aucInterval(ranked),
    accuracy: wilson(truePositives + trueNegatives, examples),
    sensitivity: wilson(truePositives, positives),
    specificity: wilson(trueNegatives, negatives),
    loss: loss / examples,
    brier: brier / examples,
    ks: kolmogorovSmirnov(ranked),
    calibrationError: calibrationError(calibration),
    calibration,
  }
}
