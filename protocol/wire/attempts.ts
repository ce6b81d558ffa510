/** Attempt numbers: a round and how often it was tried, in one number that only grows. */

const triesPerRound = 2 ** 16

export const attemptOf = (round: number, tries: number): number => round * triesPerRound + tries

export const roundOf = (attempt: number): number => Math.floor(attempt / triesPerRound)
