/** The faults a federation of processes is put through, drawn from a seed: each begins in one round and is over a while later. */

import type { Stream } from '../../protocol/stream.ts'

export const kinds = [
  'site-killed',
  'site-frozen',
  'network-cut',
  'network-slow',
  'connection-broken',
  'frames-twice',
  'frames-disordered',
  'site-clock-skewed',
  'coordinator-killed',
  'coordinator-frozen',
  'coordinator-disk-full',
  'coordinator-clock-skewed',
] as const

export interface Fault {
  readonly kind: (typeof kinds)[number]
  /** Position of the site, where the fault is one's. */
  readonly site: number
  /** Milliseconds until it is over. */
  readonly lasts: number
  /** Hours that a clock runs ahead from then on. */
  readonly skew: number
}

const ofSites = kinds.filter((kind) => !kind.startsWith('coordinator')).length

export const isCoordinators = ({ kind }: Fault): boolean => kind.startsWith('coordinator')

export const drawFault = (stream: Stream, sites: number): Fault => ({
  // Sites fail more often than the one coordinator.
  kind: kinds[stream.below(3) === 0 ? stream.below(kinds.length) : stream.below(ofSites)],
  site: stream.below(sites),
  lasts: 100 + stream.below(900),
  skew: stream.below(96),
})

/** A process whose clock is wrong from its start. */
export const skewed = (hours: number): Readonly<Record<string, string>> => {
  const code = `const now = Date.now; Date.now = () => now() + ${hours * 3_600_000}`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}
