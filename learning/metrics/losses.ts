/** Losses of one prediction. */

/** No prediction loses more than this, so that one record's part in a sum is bounded: a probability below 2e-9. */
export const largestLogLoss = 20

/** -ln of the probability given to what happened, at most `largestLogLoss`. */
export const logLoss = (probabilityOfTruth: number): number =>
  probabilityOfTruth > 0 ? Math.min(largestLogLoss, -Math.log(probabilityOfTruth)) : largestLogLoss

/** Brier's squared error of a probability against 0 or 1. */
export const brier = (probability: number, label: number): number => (probability - label) ** 2
