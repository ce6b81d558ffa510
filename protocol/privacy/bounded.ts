/** An algorithm whose requests and contributions pass through a mechanism; its state stays its own. */

import type { Algorithm, Intervals, Lanes, Metrics, SumRequest } from '../algorithm.ts'
import type { Claim } from './promise.ts'

export interface Bounds {
  /** The request as all parties see it: sensitivity fixed, room for noise. */
  readonly request: (request: SumRequest) => SumRequest
  /** What a site may contribute to it. */
  readonly contribution: (lanes: Lanes, request: SumRequest) => Lanes
  /** What the result says of its protection, under `privacy`. */
  readonly claim?: Claim
}

export const bounded = <Site>(algorithm: Algorithm<unknown, Site>, bounds: Bounds): Algorithm<unknown, Site> =>
  new Bounded(algorithm, bounds)

class Bounded<Site> implements Algorithm<unknown, Site> {
  readonly #inner: Algorithm<unknown, Site>
  readonly #bounds: Bounds

  constructor(inner: Algorithm<unknown, Site>, bounds: Bounds) {
    this.#inner = inner
    this.#bounds = bounds
  }

  init(): unknown {
    return this.#inner.init()
  }

  request(state: unknown): SumRequest | undefined {
    const request = this.#inner.request(state)
    return request && this.#bounds.request(request)
  }

  preview(): SumRequest | undefined {
    const request = this.#inner.preview?.()
    return request && this.#bounds.request(request)
  }

  async contribute(state: unknown, request: SumRequest, site: Site, round: number): Promise<Lanes> {
    const lanes = await this.#inner.contribute(state, this.#innerRequest(state), site, round)
    return this.#bounds.contribution(lanes, request)
  }

  apply(state: unknown, _: SumRequest, sum: Lanes, survivors: number): unknown {
    return this.#inner.apply(state, this.#innerRequest(state), sum, survivors)
  }

  encode(state: unknown): Uint8Array {
    return this.#inner.encode(state)
  }

  decode(bytes: Uint8Array): unknown {
    return this.#inner.decode(bytes)
  }

  metrics(state: unknown): Metrics {
    return this.#inner.metrics(state)
  }

  /** Of a sum with noise the noise is no part of such an interval, which would say too much. */
  intervals(state: unknown): Intervals {
    return this.#bounds.claim === undefined ? (this.#inner.intervals?.(state) ?? {}) : {}
  }

  result(state: unknown): unknown {
    const result = this.#inner.result(state)
    const { claim } = this.#bounds
    return claim === undefined || typeof result !== 'object' ? result : { ...result, privacy: claim }
  }

  /** The algorithm is asked in its own words, without the room the noise needs. */
  #innerRequest(state: unknown): SumRequest {
    const request = this.#inner.request(state)
    if (request === undefined) throw new Error('a contribution or a sum for a computation that is complete')
    return request
  }
}
