/**
 * Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half (Mann and
 * Whitney 1947), with the variance of DeLong, DeLong and Clarke-Pearson 1988 ("Comparing the areas under two or more
 * correlated receiver operating characteristic curves"), here on counts of equal scores.
 */

import { type Estimate, normalQuantile } from './interval.ts'
import { type ScoreCounts, total } from './score-counts.ts'

/** Exact where the counts are of distinct scores; from a histogram, ties inside a bin count one half. NaN with one class. */
export function auc(counts: ScoreCounts): number {
  const negatives = total(counts.negatives)
  let below = 0
  let wins = 0
  for (let i = 0; i < counts.negatives.length; i++) {
    wins += counts.positives[i] * (below + counts.negatives[i] / 2)
    below += counts.negatives[i]
  }
  return wins / (total(counts.positives) * negatives)
}

/** The area with its 95 % interval, cut to [0, 1]. At an area of 0 or 1 the variance is 0 and says nothing. */
export function aucInterval(counts: ScoreCounts): Estimate {
  const value = auc(counts)
  const half = normalQuantile * Math.sqrt(aucVariance(counts, value))
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) }
}

/** The sum of the variances of both classes' placement values, each over its class size. */
function aucVariance(counts: ScoreCounts, area: number): number {
  const positives = total(counts.positives)
  const negatives = total(counts.negatives)
  let positivesBelow = 0
  let negativesBelow = 0
  let ofPositives = 0
  let ofNegatives = 0
  for (let i = 0; i < counts.negatives.length; i++) {
    const [p, n] = [counts.positives[i], counts.negatives[i]]
    ofPositives += p * ((negativesBelow + n / 2) / negatives - area) ** 2
    ofNegatives += n * (1 - (positivesBelow + p / 2) / positives - area) ** 2
    positivesBelow += p
    negativesBelow += n
  }
  return ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives
}
