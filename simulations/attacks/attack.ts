/** The attack port: what sites that cheat do to their own records, and to what they send. */

import type { Table } from '../../learning/data/table.ts'
import type { Lane, SumRequest } from '../../protocol/algorithm.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Stream } from '../../protocol/stream.ts'
import type { SiteLanes } from '../runner/conduct.ts'

/** What the cheats of a round know: they act together. */
export interface Scene {
  readonly request: SumRequest
  readonly round: number
  /** Sites in the round, cheats among them. */
  readonly sites: number
  readonly stream: Stream
}

export interface Attack {
  /** One sentence for the report. */
  readonly aim: string
  /** The training rows of a cheat. */
  readonly poison?: (training: Table, stream: Stream) => Table
  /** Updates per unit of weight, from those an honest site would have sent. */
  readonly exchange?: (honest: readonly Float64Array[], scene: Scene) => readonly Float64Array[]
  /** Rows with the backdoor's sign, and the output that it should lead to. */
  readonly trigger?: (table: Table) => { readonly table: Table; readonly target: number }
}

/** What the cheats send instead: their updates exchanged, whatever else they say as it was. */
export function cheatWith(attack: Attack, honest: readonly SiteLanes[], scene: Scene): readonly SiteLanes[] {
  const { exchange } = attack
  const lane = scene.request.lanes.find(({ name }) => name === 'update')
  if (exchange === undefined || lane === undefined || honest.length === 0) return honest
  const updates = honest.map(({ lanes }) => scaled(lanes.update, 1 / lanes.weight[0]))
  const exchanged = exchange(updates, scene)
  return honest.map(({ site, lanes }, i) => ({
    site,
    lanes: { ...lanes, update: encodable(scaled(exchanged[i], lanes.weight[0]), lane) },
  }))
}

/** A cheat may leave the norm it promised, but not what the ring can hold. */
function encodable(update: Float64Array, { bound, bits, l2 }: Lane): Float64Array {
  const held = update.map((value) => Math.min(bound, Math.max(-bound, value)))
  // Few bits are rotated first, and the rotation has room for the promised norm alone.
  if (bits === undefined || l2 === undefined || normOf(held) <= l2) return held
  return scaled(held, (1 - 1e-9) * (l2 / normOf(held)))
}

export function normOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  return Math.sqrt(sum)
}

export function scaled(values: ArrayLike<number>, factor: number): Float64Array {
  const result = new Float64Array(values.length)
  for (let i = 0; i < result.length; i++) result[i] = factor * values[i]
  return result
}

/** The mean of vectors of one length. */
export function meanOf(vectors: readonly ArrayLike<number>[]): Float64Array {
  const mean = new Float64Array(vectors[0].length)
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i] += vector[i] / vectors.length
  return mean
}

/** @throws InputError ERR_PLAN where the attack needs classes. */
export function classCount(table: Table): number {
  const { label } = table.schema
  if (label?.type === 'binary') return 2
  if (label?.type === 'class') return label.classes.length
  throw new InputError('ERR_PLAN', 'this attack needs a label with classes', 'simulation.attack.name')
}
