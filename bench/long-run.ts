/** A long run as a coordinator would tell it: many rounds of many sites, the first of them never there. */

import type { ToldRun } from './told-coordinator.ts'

const hash = (round: number): string => round.toString(16).padStart(64, '0')

const began = (round: number): number => 1.7e12 + 1000 * round

/** One round, the 250th, has a loss of 9: a spike that no drawing may lose. */
export function longRun(rounds: number, sites: number): ToldRun {
  const [absent, ...here] = Array.from({ length: sites }, (_, i) => `site-${String(i).padStart(3, '0')}`)
  const events = Array.from({ length: rounds }, (_, round) => [
    ...phasesOf(round, here.length),
    {
      ...{ type: 'round' as const, round, purpose: 'train', sites: here, bytesUp: 4096 * here.length, bytesDown: 4096 },
      absent: [{ site: absent, code: 'ERR_SILENT', reason: 'said nothing for 60 s' }],
      metrics: { round, trainingLoss: round === 250 ? 9 : 1 / (round + 1), auc: 1 - 0.5 / (round + 1) },
      intervals: { auc: [0.98 - 0.55 / (round + 1), 1 - 0.4 / (round + 1)] as const },
      ...{ seconds: 1 + (round % 7) / 10, stateHash: hash(round), at: began(round) + 1000 },
    },
  ])
  return { id: '00112233445566ff', name: 'long', rounds, events: events.flat() }
}

const phasesOf = (round: number, sites: number) =>
  [
    { phase: 'collecting', after: 0 },
    { phase: 'agreeing', after: 700 },
    { phase: 'revealing', after: 850 },
  ].map(({ phase, after }) => ({ type: 'phase' as const, round, phase, sites, at: began(round) + after }))
