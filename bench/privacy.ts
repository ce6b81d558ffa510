/** Bench of privacy: accounting of many rounds, and exact noise for a million coordinates, in one thread. */

import { randomBytes } from 'node:crypto'
import { pldEpsilon } from '../protocol/privacy/accountants/pld.ts'
import { rdpEpsilon } from '../protocol/privacy/accountants/rdp.ts'
import { addDiscreteGaussian } from '../protocol/privacy/discrete-gaussian-sampler.ts'
import type { PrivacyEvent } from '../protocol/privacy/event.ts'
import { secretNormals } from '../protocol/privacy/secret-normals.ts'
import type { Random } from '../protocol/random.ts'
import type { BenchOptions, BenchResult } from './result.ts'

const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

/** Ten thousand rounds, each with its own noise: nothing is gained from their being equal. */
const rounds: PrivacyEvent[] = Array.from({ length: 10_000 }, (_, i) => ({
  ...{ type: 'gaussian', noiseMultiplier: 1.1 + (i % 7) / 10, count: 1 },
  sampling: { type: 'poisson', rate: 0.004 },
}))

/** The same rounds as a run charges them: equal ones are one event. */
const equalRounds: PrivacyEvent[] = [
  { type: 'gaussian', noiseMultiplier: 1.1, sampling: { type: 'poisson', rate: 0.004 }, count: 10_000 },
]

export async function privacy({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  const runs = quick ? 1 : 5
  const coordinates = 1_000_000
  const timed = (name: string, work: () => void): BenchResult => {
    progress(name)
    const seconds = Array.from({ length: runs }, () => {
      const start = performance.now()
      work()
      return (performance.now() - start) / 1000
    }).sort((a, b) => a - b)
    return { name, value: seconds[Math.floor(runs / 2)], unit: 's', reference: null, ratio: null }
  }
  const noise = (sigma: number) => (): void => {
    addDiscreteGaussian(new Int32Array(coordinates), { start: 0, length: coordinates, sigma }, random)
  }
  return [
    timed('privacy: 10,000 equal rounds, Rényi', () => void rdpEpsilon(equalRounds, 1e-5)),
    timed('privacy: 10,000 rounds in 7 kinds, Rényi', () => void rdpEpsilon(merged(rounds), 1e-5)),
    timed('privacy: 10,000 equal rounds, loss distributions', () => void pldEpsilon(equalRounds, 1e-5)),
    timed('privacy: 10,000 rounds in 7 kinds, loss distributions', () => void pldEpsilon(merged(rounds), 1e-5)),
    timed('privacy: discrete Gaussian, 10^6 coordinates, sigma 2^20', noise(2 ** 20)),
    timed('privacy: discrete Gaussian, 10^6 coordinates, sigma 2^19 + 1', noise(2 ** 19 + 1)),
    timed('privacy: discrete Gaussian, 10^6 coordinates, sigma 10', noise(10)),
    timed('privacy: secret normals, 10^6 coordinates', () => {
      const normal = secretNormals(random)
      for (let i = 0; i < coordinates; i++) normal()
    }),
  ]
}

/** Equal events counted together, in their first order. */
function merged(events: readonly PrivacyEvent[]): PrivacyEvent[] {
  const counts = new Map<string, PrivacyEvent>()
  for (const event of events) {
    const key = JSON.stringify({ ...event, count: 0 })
    const known = counts.get(key)
    counts.set(key, known === undefined ? event : { ...known, count: known.count + event.count })
  }
  return [...counts.values()]
}
