/** Sums kept in a state: the lanes of a request end to end, as they came, with an exact layout in bytes. */

import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import type { Reader, Writer } from '../../protocol/bytes.ts'
import { ProtocolError } from '../../protocol/errors.ts'

/** The lanes end to end, in the request's order. */
export function packLanes(lanes: readonly Lane[], values: Lanes): Float64Array {
  const packed = new Float64Array(laneTotal(lanes))
  let offset = 0
  for (const { name, length } of lanes) {
    packed.set(values[name], offset)
    offset += length
  }
  return packed
}

/** Views on the packed lanes by name. */
export function unpackLanes(lanes: readonly Lane[], packed: Float64Array): Readonly<Record<string, Float64Array>> {
  let offset = 0
  const named = lanes.map(({ name, length }): [string, Float64Array] => {
    const view = packed.subarray(offset, offset + length)
    offset += length
    return [name, view]
  })
  return Object.fromEntries(named)
}

export const laneTotal = (lanes: readonly Lane[]): number => lanes.reduce((total, lane) => total + lane.length, 0)

/** Big-endian doubles behind their number; `undefined` is no numbers. */
export const writeFloat64s = (writer: Writer, values: Float64Array = new Float64Array(0)): Writer =>
  writer.filled(8 * values.length, (view) => {
    for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i])
  })

/** Big-endian singles behind their number; `undefined` is no numbers. */
export const writeFloat32s = (writer: Writer, values: Float32Array = new Float32Array(0)): Writer =>
  writer.filled(4 * values.length, (view) => {
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i])
  })

/** Bytes that the numbers take behind their length. */
export const bytesOfFloats = (values: Float32Array | Float64Array | undefined): number => 4 + (values?.byteLength ?? 0)

/** `length` finite doubles, or none. @throws ProtocolError ERR_STATE */
export function readFloat64s(reader: Reader, field: string, length: number): Float64Array | undefined {
  const view = viewOf(reader, field, 8 * length)
  if (view === undefined) return undefined
  const values = new Float64Array(length)
  for (let i = 0; i < length; i++) values[i] = view.getFloat64(8 * i)
  return finite(field, values)
}

/** `length` finite singles, or none. @throws ProtocolError ERR_STATE */
export function readFloat32s(reader: Reader, field: string, length: number): Float32Array | undefined {
  const view = viewOf(reader, field, 4 * length)
  if (view === undefined) return undefined
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) values[i] = view.getFloat32(4 * i)
  return finite(field, values)
}

/** A number that is none, once in the state, would be in every later one. @throws ProtocolError ERR_STATE_NOT_FINITE */
export function finite<T extends Float32Array | Float64Array>(field: string, values: T): T {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new ProtocolError('ERR_STATE_NOT_FINITE', `${field}: expected finite numbers, found ${values[i]} at ${i}`)
  }
  return values
}

function viewOf(reader: Reader, field: string, length: number): DataView | undefined {
  const bytes = reader.bytes(field, { max: length })
  if (bytes.length === 0) return undefined
  if (bytes.length === length) return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  throw new ProtocolError('ERR_STATE', `${field}: expected ${length} bytes or none, found ${bytes.length}`)
}
