/**
 * Calibration from score histograms: predicted against observed frequency in equal groups of the probability, and the
 * expected calibration error (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, eq. 3).
 */

import type { ScoreCounts } from './score-counts.ts'

export interface CalibrationGroup {
  /** Mean predicted probability, each score taken at the middle of its bin. */
  readonly predicted: number
  /** Share of positives. */
  readonly observed: number
  readonly count: number
}

/** `counts` are a histogram over [0, 1]; groups without scores are left out. */
export function calibrationCurve(counts: ScoreCounts, groups = 10): CalibrationGroup[] {
  const bins = counts.positives.length
  const sums = Array.from({ length: groups }, () => ({ predicted: 0, positives: 0, count: 0 }))
  for (let bin = 0; bin < bins; bin++) {
    const group = sums[Math.floor((bin * groups) / bins)]
    const count = counts.positives[bin] + counts.negatives[bin]
    group.predicted += (count * (bin + 0.5)) / bins
    group.positives += counts.positives[bin]
    group.count += count
  }
  return sums
    .filter(({ count }) => count > 0)
    .map(({ predicted, positives, count }) => ({ predicted: predicted / count, observed: positives / count, count }))
}

/** The mean distance of predicted and observed frequency, weighted by the groups' counts. */
export function calibrationError(curve: readonly CalibrationGroup[]): number {
  const all = curve.reduce((sum, { count }) => sum + count, 0)
  return curve.reduce((sum, group) => sum + group.count * Math.abs(group.predicted - group.observed), 0) / all
}
