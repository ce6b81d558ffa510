/**
 * A clipping norm that follows a quantile of the updates' norms, found in private: each site says in the sum whether its
 * update was within the norm. Andrew et al. 2021, "Differentially Private Learning with Adaptive Clipping", algorithm 1.
 */

import * as z from 'zod'
import type { Algorithm, Lane, Lanes, Metrics, SumRequest } from '../algorithm.ts'
import { Reader, Writer } from '../bytes.ts'
import { InputError, ProtocolError } from '../errors.ts'
import { clipRequest, euclideanNorm } from './clip.ts'
import type { Unit } from './mechanism.ts'

export const adaptiveOptions = z.strictObject({
  /** The share of the updates that are to be within the norm: gamma. */
  quantile: z.number().min(0.05).max(0.95).default(0.5),
  /** How fast the norm follows: eta. */
  rate: z.number().positive().max(1).default(0.2),
  /** Standard deviation of the noise on the count of updates within the norm: sigma_b. */
  countNoise: z.number().positive().max(1e12).optional(),
})

export interface Adaptation {
  readonly initial: number
  readonly quantile: number
  readonly rate: number
  /** Sites, as everybody may know: the denominator of the share within the norm. */
  readonly population: number
  /** Factors on the plan's noise multiplier: of the count, and of the updates. */
  readonly factors: NoiseSplit
}

export interface NoiseSplit {
  readonly count: number
  readonly updates: number
}

/** The norm stays within this factor of the first: noise alone cannot carry it to where nothing is learned. */
const farthest = 1000

/** @throws InputError ERR_PLAN where no update of a site is clipped, or its noise cannot make up for the count's. */
export function adaptationOf(
  { quantile, rate, countNoise }: z.infer<typeof adaptiveOptions>,
  { unit, clip, population }: { readonly unit: Unit; readonly clip?: number | undefined; readonly population: number },
  noiseMultiplier: number,
): Adaptation {
  if (unit !== 'site' || clip === undefined) {
    const message = `the updates of sites are what is clipped in the sum: expected unit site, found ${unit}`
    throw new InputError('ERR_PLAN', message, 'privacy.adaptive')
  }
  // A twentieth is the paper's; in a small population at least what raises the updates' noise by no more than 3.3 %.
  const noise = countNoise ?? Math.max(population / 20, 2 * noiseMultiplier)
  return { initial: clip, quantile, rate, population, factors: splitNoise(noiseMultiplier, noise) }
}

/**
 * The updates' noise rises so that both together cost what the plan's multiplier z does: z_updates^-2 + (2 sigma_b)^-2 =
 * z^-2, since a vote of plus or minus a half moves the count by a half. @throws InputError ERR_PLAN
 */
export function splitNoise(noiseMultiplier: number, countNoise: number): NoiseSplit {
  const count = (2 * countNoise) / noiseMultiplier
  const updates = 1 / Math.sqrt(1 - count ** -2)
  if (count > 1 && Number.isFinite(updates)) return { count, updates }
  const least = `more than half the noise multiplier, ${noiseMultiplier / 2}`
  throw new InputError('ERR_PLAN', `expected ${least}, found ${countNoise}`, 'privacy.adaptive.countNoise')
}

/** The lane of the votes; no lane of an algorithm is called so. */
const votes = 'withinClip'

interface State {
  readonly inner: unknown
  /** The norm of the next round. */
  readonly clip: number
}

/** The algorithm with votes on the norm; who clips its contributions goes by its requests. */
export const adaptivelyClipped = <Site>(
  algorithm: Algorithm<unknown, Site>,
  adaptation: Adaptation,
): Algorithm<unknown, Site> => new AdaptivelyClipped(algorithm, adaptation)

class AdaptivelyClipped<Site> implements Algorithm<State, Site> {
  readonly #inner: Algorithm<unknown, Site>
  readonly #adaptation: Adaptation

  constructor(inner: Algorithm<unknown, Site>, adaptation: Adaptation) {
    this.#inner = inner
    this.#adaptation = adaptation
  }

  init(): State {
    return { inner: this.#inner.init(), clip: this.#adaptation.initial }
  }

  request({ inner, clip }: State): SumRequest | undefined {
    const asked = this.#inner.request(inner)
    return asked && withVotes(asked, clip, this.#adaptation.factors)
  }

  preview(): SumRequest | undefined {
    const asked = this.#inner.preview?.()
    return asked && withVotes(asked, this.#adaptation.initial, this.#adaptation.factors)
  }

  async contribute({ inner, clip }: State, _: SumRequest, site: Site, round: number): Promise<Lanes> {
    const asked = this.#asked(inner)
    const lanes = await this.#inner.contribute(inner, asked, site, round)
    const within = asked.lanes.every(({ name, l2 }) => l2 === undefined || euclideanNorm(lanes[name]) <= clip)
    return { ...lanes, [votes]: Float64Array.of(within ? 0.5 : -0.5) }
  }

  apply({ inner, clip }: State, _: SumRequest, { [votes]: vote, ...sum }: Lanes, survivors: number): State {
    const { quantile, rate, initial, population } = this.#adaptation
    const share = vote[0] / population + 0.5
    const next = clip * steadyExp(-rate * (share - quantile))
    return {
      inner: this.#inner.apply(inner, this.#asked(inner), sum, survivors),
      clip: Math.min(initial * farthest, Math.max(initial / farthest, next)),
    }
  }

  encode({ inner, clip }: State): Uint8Array {
    const norm = new Uint8Array(8)
    new DataView(norm.buffer).setFloat64(0, clip)
    return new Writer().raw(norm).raw(this.#inner.encode(inner)).finish()
  }

  decode(bytes: Uint8Array): State {
    const norm = new Reader(bytes).raw('clip', 8)
    const clip = new DataView(norm.buffer).getFloat64(0)
    const { initial } = this.#adaptation
    if (!(clip >= initial / farthest && clip <= initial * farthest)) {
      throw new ProtocolError(
        'ERR_STATE',
        `clip: expected a norm within a factor ${farthest} of ${initial}, found ${clip}`,
      )
    }
    return { inner: this.#inner.decode(bytes.slice(norm.length)), clip }
  }

  metrics({ inner, clip }: State): Metrics {
    return { ...this.#inner.metrics(inner), clip }
  }

  result({ inner }: State): unknown {
    return this.#inner.result(inner)
  }

  #asked(inner: unknown): SumRequest {
    const asked = this.#inner.request(inner)
    if (asked === undefined) throw new Error('a contribution or a sum for a computation that is complete')
    return asked
  }
}

/** What the algorithm asks, within the norm, and a vote; lanes of updates share the updates' noise equally. */
function withVotes(asked: SumRequest, clip: number, { count, updates }: NoiseSplit): SumRequest {
  const { lanes } = clipRequest(asked, clip)
  const noise = updates * Math.sqrt(lanes.filter(({ l2 }) => l2 !== 0).length)
  const vote: Lane = { name: votes, length: 1, bound: 0.5, kind: 'real', l2: 0.5, noise: count }
  return { ...asked, lanes: [...lanes.map((lane) => ({ ...lane, noise })), vote] }
}

/**
 * e^x by its series, x held within 1: engines may differ in the last bit of Math.exp, and every party hashes the norm;
 * and a count that is mostly noise moves the norm by a factor of e at most.
 */
function steadyExp(given: number): number {
  const x = Math.min(1, Math.max(-1, given))
  let term = 1
  let sum = 1
  for (let k = 1; k <= 18; k++) {
    term *= x / k
    sum += term
  }
  return sum
}
