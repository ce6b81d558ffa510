/** The same contributions without a fault, a mask or a process: what every committed round of a journal must have come to. */

import type { Site } from '../../learning/algorithms/site.ts'
import { computationOf } from '../../learning/computation.ts'
import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import type { Plan } from '../../protocol/plan.ts'
import { Stream } from '../../protocol/stream.ts'
import { decode, encode } from '../../protocol/vector/encoding.ts'
import { zeroVector } from '../../protocol/vector/packing.ts'
import { roundOf } from '../../protocol/wire/attempts.ts'

/** @returns the rounds that were replayed. @throws Error naming the first round whose state is another. */
export async function replay(plan: Plan, sites: readonly Site[], entries: readonly JournalEntry[]): Promise<number> {
  const { algorithm } = computationOf(plan, sites.length)
  let state = algorithm.init()
  let rounds = 0
  for (const entry of entries) {
    if (entry.type !== 'round') continue
    const round = roundOf(entry.attempt)
    const request = algorithm.request(state)
    if (request === undefined || round !== rounds) throw new Error(`round ${round} stands where ${rounds} was expected`)
    const sum = zeroVector(request)
    for (const name of entry.participants) {
      const site = sites.find((each) => each.name === name)
      if (site === undefined) throw new Error(`${name} is no site`)
      const lanes = await algorithm.contribute(state, request, site, round)
      const coins = new Stream(`${plan.seed}/${name}/${round}/rounding`)
      addInto(sum, encode(lanes, request, { sites: sites.length, coins }))
    }
    state = algorithm.apply(state, request, decode(sum, request, sites.length), entry.participants.length)
    const hash = toHex(await nodeProvider.sha256(algorithm.encode(state)))
    if (hash !== entry.stateHash)
      throw new Error(
        `round ${round} of ${entry.participants.join(', ')} came to ${entry.stateHash}, without faults to ${hash}`,
      )
    rounds++
  }
  return rounds
}

function addInto(sum: RingVector, vector: RingVector): void {
  if (sum instanceof Int32Array && vector instanceof Int32Array)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] + vector[i]) | 0
  else if (sum instanceof BigInt64Array && vector instanceof BigInt64Array)
    for (let i = 0; i < sum.length; i++) sum[i] += vector[i]
  else throw new Error('two rings in one sum')
}
