/** The state of a federated training, with an exact layout in bytes so that every party hashes the same. */

import { Reader, Writer } from '../../protocol/bytes.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { bytesOfFloats, readFloat32s, readFloat64s, writeFloat32s, writeFloat64s } from './sums.ts'

export type TrainingState = Beginning | Underway

export interface Beginning {
  readonly kind: 'beginning'
}

export interface Underway {
  readonly kind: 'underway'
  /** Training rounds done. */
  readonly round: number
  /** The first round's sums, lane after lane. */
  readonly statistics: Float64Array
  readonly parameters: Float32Array
  /** What the method carries from round to round beside the parameters, in its own order. */
  readonly slots: readonly Float32Array[]
  /** Sums of the last evaluation, lane after lane: of the parameters before the last round, at the end of the final ones. */
  readonly evaluation: Float64Array | undefined
  /** Whether `evaluation` is of `parameters`. */
  readonly evaluated: boolean
  /** The method's own numbers of the last round. */
  readonly report: Float64Array | undefined
}

/** Lengths by which bytes are checked before anything is allocated. */
export interface StateShape {
  readonly rounds: number
  readonly statistics: number
  readonly parameters: number
  readonly slots: readonly number[]
  readonly evaluation: number
  readonly report: number
}

const layoutVersion = 2

export function encodeState(state: TrainingState): Uint8Array {
  if (state.kind === 'beginning') return new Writer().uint8(layoutVersion).uint8(0).finish()
  const floats = [state.statistics, state.parameters, ...state.slots, state.evaluation, state.report]
  const writer = new Writer(6 + floats.reduce((sum, values) => sum + bytesOfFloats(values), 0)).uint8(layoutVersion)
  writer.uint8(state.evaluated ? 2 : 1).uint32(state.round)
  writeFloat64s(writer, state.statistics)
  writeFloat32s(writer, state.parameters)
  for (const slot of state.slots) writeFloat32s(writer, slot)
  writeFloat64s(writer, state.evaluation)
  return writeFloat64s(writer, state.report).finish()
}

/** @throws ProtocolError ERR_FRAME, ERR_STATE, ERR_STATE_NOT_FINITE */
export function decodeState(bytes: Uint8Array, shape: StateShape): TrainingState {
  const reader = new Reader(bytes)
  const version = reader.uint8('state version')
  if (version !== layoutVersion) throw new ProtocolError('ERR_STATE', `unknown version ${version} of a state`)
  const kind = reader.uint8('state kind', { max: 2 })
  const state = kind === 0 ? beginning : readUnderway(reader, kind === 2, shape)
  reader.end()
  return state
}

export const beginning: Beginning = { kind: 'beginning' }

function readUnderway(reader: Reader, evaluated: boolean, shape: StateShape): Underway {
  const round = reader.uint32('round', { max: shape.rounds })
  const statistics = readFloat64s(reader, 'statistics', shape.statistics)
  const parameters = readFloat32s(reader, 'parameters', shape.parameters)
  const slots = shape.slots.flatMap((length, i) => readFloat32s(reader, `slot ${i}`, length) ?? [])
  const evaluation = readFloat64s(reader, 'evaluation', shape.evaluation)
  const report = readFloat64s(reader, 'report', shape.report)
  if (statistics && parameters && slots.length === shape.slots.length)
    return { kind: 'underway', round, statistics, parameters, slots, evaluation, evaluated, report }
  throw new ProtocolError('ERR_STATE', 'expected statistics, parameters and slots once training is under way')
}
