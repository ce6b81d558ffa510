/** Attempt numbers: a round and how often it was tried, in one number that only grows from 1; 0 stands for no attempt. */

const triesPerRound = 2 ** 16

export const attemptOf = (round: number, tries: number): number => round * triesPerRound + tries + 1

export const roundOf = (attempt: number): number => Math.floor((attempt - 1) / triesPerRound)
