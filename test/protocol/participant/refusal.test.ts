import { expect, test } from 'vitest'
import { InputError } from '../../../protocol/errors.ts'
import { runSums, wrongRounds } from '../../support/sum-run.ts'

test('records that cannot be used in a round end their part in it, by code alone, and are asked again in the next', async () => {
  const run = await runSums({
    ...{ sites: 4, rounds: 3 },
    work: async (index, round) => {
      if (index === 1 && round === 1) throw new InputError('ERR_LOSS_NOT_FINITE', 'row 17 holds 1e400', 'line 18')
    },
  })
  expect(wrongRounds(run)).toEqual([])
  const rounds = run.entries.flatMap((entry) => (entry.type === 'round' ? [entry] : []))
  expect(rounds.map(({ absent }) => absent)).toEqual([
    [],
    [{ site: 'site-1', code: 'ERR_LOSS_NOT_FINITE', reason: expect.not.stringContaining('17') }],
    [],
  ])
  expect(run.siteEvents.filter(({ site, type }) => site === 1 && type === 'refused')).toMatchObject([
    { code: 'ERR_LOSS_NOT_FINITE', reason: expect.stringContaining('row 17') },
  ])
  expect(run.turnedAway).toEqual([])
})
