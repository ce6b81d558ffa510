/** Binary scores as counts: how many positives and negatives have each score, in ascending order of score. */

/** Bin `i` of a histogram over [0, 1], or the `i`-th distinct score; both arrays have one length. */
export interface ScoreCounts {
  readonly positives: ArrayLike<number>
  readonly negatives: ArrayLike<number>
}

/** Exact counts: one place for each distinct score. `labels` are 0 or 1. */
export function countScores(scores: ArrayLike<number>, labels: ArrayLike<number>): ScoreCounts {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a] - scores[b])
  const positives: number[] = []
  const negatives: number[] = []
  for (const [place, i] of order.entries()) {
    if (place === 0 || scores[i] !== scores[order[place - 1]]) {
      positives.push(0)
      negatives.push(0)
    }
    const counts = labels[i] === 1 ? positives : negatives
    counts[counts.length - 1]++
  }
  return { positives, negatives }
}

/** The bin of a probability among `bins` equal bins over [0, 1]. */
export const scoreBin = (probability: number, bins: number): number =>
  Math.min(bins - 1, Math.max(0, Math.floor(probability * bins)))

export const total = (counts: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]
  return sum
}
