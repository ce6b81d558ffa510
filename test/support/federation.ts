/** Runs an algorithm over sites in one process, the sums in plain numbers: what the secure sum must give, without it. */

import type { Site } from '../../learning/algorithms/site.ts'
import type { Algorithm, Lanes, SumRequest } from '../../protocol/algorithm.ts'

export async function federate<State>(algorithm: Algorithm<State, Site>, sites: readonly Site[]): Promise<State> {
  let state = algorithm.init()
  for (let round = 1; ; round++) {
    const request = algorithm.request(state)
    if (request === undefined) return state
    const contributions: Lanes[] = []
    for (const site of sites) contributions.push(await algorithm.contribute(state, request, site, round))
    state = algorithm.apply(state, request, sumLanes(request, contributions), sites.length)
  }
}

/** The exact sum; a contribution beyond its bound or of another length is a fault of the algorithm. */
export function sumLanes(request: SumRequest, contributions: readonly Lanes[]): Lanes {
  const sums = request.lanes.map(({ name, length, bound, kind, l2 }): [string, Float64Array] => {
    const sum = new Float64Array(length)
    for (const lanes of contributions) {
      const values = lanes[name]
      if (values?.length !== length)
        throw new Error(`lane ${name}: expected ${length} numbers, found ${values?.length}`)
      let squares = 0
      for (let i = 0; i < length; i++) {
        if (!(Math.abs(values[i]) <= bound)) throw new Error(`lane ${name}: ${values[i]} is beyond ${bound}`)
        if (kind === 'integer' && !Number.isInteger(values[i]))
          throw new Error(`lane ${name}: ${values[i]} is not whole`)
        squares += values[i] ** 2
        sum[i] += values[i]
      }
      if (l2 !== undefined && Math.sqrt(squares) > l2 * (1 + 1e-9)) throw new Error(`lane ${name}: longer than ${l2}`)
    }
    return [name, sum]
  })
  return Object.fromEntries(sums)
}
