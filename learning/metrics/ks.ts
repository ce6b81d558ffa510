/** The Kolmogorov-Smirnov distance between the scores of positives and negatives, the usual figure of credit scoring. */

import { type ScoreCounts, total } from './score-counts.ts'

/** The largest distance of the two distribution functions, 0 to 1. */
export function kolmogorovSmirnov({ positives, negatives }: ScoreCounts): number {
  const ofPositives = total(positives)
  const ofNegatives = total(negatives)
  let positivesSeen = 0
  let negativesSeen = 0
  let largest = 0
  for (let i = 0; i < positives.length; i++) {
    positivesSeen += positives[i]
    negativesSeen += negatives[i]
    largest = Math.max(largest, Math.abs(negativesSeen / ofNegatives - positivesSeen / ofPositives))
  }
  return largest
}
