/** What is told of a round while it is under way: the phases of its secure sum, each once, in order. */

import { expect, test } from 'vitest'
import { runSums } from '../support/sum-run.ts'

const phasesOf = async (mode: 'strict' | 'fast') => {
  const { events } = await runSums({ sites: 4, rounds: 2, rules: { encoding: { mode } } })
  return events.flatMap((event) => (event.type === 'phase' ? [`${event.round} ${event.phase} ${event.sites}`] : []))
}

test('a strict run deals once, and each round collects, agrees and opens', async () => {
  expect(await phasesOf('strict')).toEqual([
    ...['0 depositing 4', '0 collecting 4', '0 agreeing 4', '0 revealing 4'],
    ...['1 collecting 4', '1 agreeing 4', '1 revealing 4'],
  ])
})

test('a fast run asks nobody to agree', async () => {
  expect(await phasesOf('fast')).toEqual([
    ...['0 depositing 4', '0 collecting 4', '0 revealing 4'],
    ...['1 collecting 4', '1 revealing 4'],
  ])
})
