/** The constants of the update rules, the same in every engine. */

export type OptimiserName = 'sgd' | 'momentum' | 'adam'

/** `moments` is the number of running averages a parameter needs. */
export const rules = {
  sgd: { moments: 0 },
  momentum: { moments: 1, decay: 0.9 },
  adam: { moments: 2, decay1: 0.9, decay2: 0.999, epsilon: 1e-8 },
} as const
