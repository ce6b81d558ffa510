/** What every algorithm must keep, whatever it computes: hand the suite an algorithm and sites that it can run on. */

import { describe, expect, test } from 'vitest'
import type { Site } from '../../learning/algorithms/site.ts'
import { siteMemory } from '../../learning/algorithms/site-memory.ts'
import type { Algorithm, Lanes, SumRequest } from '../../protocol/algorithm.ts'
import { sumLanes } from '../support/federation.ts'

interface Step<State> {
  readonly state: State
  readonly request: SumRequest
  readonly contributions: readonly Lanes[]
  /** What the first site says when the round is repeated, at a fresh instance. */
  readonly repeated: Lanes
}

export interface AlgorithmCase<State> {
  /** A fresh instance of the same plan each time, as at another party. */
  readonly make: () => Algorithm<State, Site>
  readonly sites: readonly Site[]
}

export function algorithmContract<State>(name: string, { make, sites }: AlgorithmCase<State>): void {
  describe(`${name} keeps the contract of an algorithm`, () => {
    const steps = run(
      make,
      sites.map((site) => ({ ...site, memory: siteMemory() })),
    )

    test('it comes to an end with a result that is plain JSON', async () => {
      const { end } = await steps
      expect(make().request(end)).toBeUndefined()
      const result = make().result(end)
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    })

    test('lanes have distinct names, positive lengths and finite bounds', async () => {
      for (const { request } of (await steps).taken) {
        const names = request.lanes.map((lane) => lane.name)
        expect(new Set(names).size).toBe(names.length)
        for (const { length, bound } of request.lanes) {
          expect(length).toBeGreaterThan(0)
          expect(bound).toBeGreaterThan(0)
          expect(bound).toBeLessThan(Number.POSITIVE_INFINITY)
        }
      }
    })

    test('every contribution fills the lanes asked for within their bounds, and no others', async () => {
      for (const { request, contributions } of (await steps).taken) {
        for (const lanes of contributions) {
          expect(Object.keys(lanes).sort()).toEqual(request.lanes.map((lane) => lane.name).sort())
          expect(() => sumLanes(request, [lanes])).not.toThrow()
        }
      }
    })

    test('every state survives its bytes, at a party that starts from them', async () => {
      const { taken, end } = await steps
      for (const state of [...taken.map((step) => step.state), end]) {
        const elsewhere = make()
        const bytes = make().encode(state)
        const copy = elsewhere.decode(bytes)
        expect(elsewhere.encode(copy)).toEqual(bytes)
        expect(elsewhere.request(copy)).toEqual(make().request(state))
        expect(elsewhere.metrics(copy)).toEqual(make().metrics(state))
        expect(elsewhere.result(copy)).toEqual(make().result(state))
      }
    })

    test('the same sum gives the same bytes at every party', async () => {
      for (const { state, request, contributions } of (await steps).taken) {
        const sum = sumLanes(request, contributions)
        const [here, there] = [make(), make()]
        expect(here.encode(here.apply(state, request, sum, sites.length))).toEqual(
          there.encode(there.apply(there.decode(there.encode(state)), request, sum, sites.length)),
        )
      }
    })

    test('a site says the same again when a round is repeated', async () => {
      for (const { repeated, contributions } of (await steps).taken) expect(repeated).toEqual(contributions[0])
    })

    test('bytes that are cut short, run on or are of another version are refused', async () => {
      const bytes = make().encode((await steps).end)
      for (const wrong of [bytes.slice(0, -1), Uint8Array.of(...bytes, 0), Uint8Array.of(99, ...bytes.slice(1))]) {
        expect(() => make().decode(wrong)).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
      }
    })

    test('metrics are finite numbers', async () => {
      for (const value of Object.values(make().metrics((await steps).end))) expect(value).toBeTypeOf('number')
      expect(Object.values(make().metrics((await steps).end)).every(Number.isFinite)).toBe(true)
    })
  })
}

async function run<State>(make: () => Algorithm<State, Site>, sites: readonly Site[]) {
  const algorithm = make()
  const taken: Step<State>[] = []
  let state = algorithm.init()
  for (let round = 1; ; round++) {
    const request = algorithm.request(state)
    if (request === undefined) return { taken, end: state }
    const contributions: Lanes[] = []
    for (const site of sites) contributions.push(await algorithm.contribute(state, request, site, round))
    const repeated = await make().contribute(state, request, sites[0], round)
    taken.push({ state, request, contributions, repeated })
    state = algorithm.apply(state, request, sumLanes(request, contributions), sites.length)
  }
}
