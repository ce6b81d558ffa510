/**
 * TensorBoard event files: TFRecords of `tensorflow.Event` messages with scalar summaries (TensorFlow, core/util/event.proto,
 * core/framework/summary.proto; record format in core/lib/io/record_writer).
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, utf8 } from '../../protocol/bytes.ts'
import type { CurveWriter } from './curve.ts'

export const tensorboard: CurveWriter = async ({ id, name, points }, folder) => {
  const start = points[0]?.at ?? 0
  const events = [
    event({ at: start, body: field(3, utf8('brain.Event:2')) }),
    ...points.map(({ round, at, metrics }) => event({ at, step: round, body: field(5, summary(metrics)) })),
  ]
  const directory = join(folder, `${name}-${id}`)
  await mkdir(directory, { recursive: true })
  const path = join(directory, `events.out.tfevents.${Math.floor(start / 1000)}.concordat`)
  await writeFile(path, concat(...events.map(record)))
  return [path]
}

interface EventParts {
  readonly at: number
  readonly step?: number
  readonly body: Uint8Array
}

/** Event: 1 wall_time (double, seconds), 2 step (int64), 3 file_version, 5 summary. */
const event = ({ at, step, body }: EventParts): Uint8Array =>
  concat(
    Uint8Array.of((1 << 3) | 1),
    little(8, (view) => view.setFloat64(0, at / 1000, true)),
    ...(step === undefined ? [] : [Uint8Array.of(2 << 3), varint(step)]),
    body,
  )

/** Summary: repeated 1 value { 1 tag, 2 simple_value (float) }. */
const summary = (metrics: Readonly<Record<string, number>>): Uint8Array =>
  concat(
    ...Object.entries(metrics).map(([tag, value]) => {
      const number = concat(
        Uint8Array.of((2 << 3) | 5),
        little(4, (view) => view.setFloat32(0, value, true)),
      )
      return field(1, concat(field(1, utf8(tag)), number))
    }),
  )

/** A length-delimited field of a protocol buffer. */
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concat(Uint8Array.of((number << 3) | 2), varint(bytes.length), bytes)

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest)
    bytes.push((rest % 128) | 128)
  }
}

/** Length, its checksum, the bytes, theirs; all little-endian. */
export function record(bytes: Uint8Array): Uint8Array {
  const length = little(8, (view) => view.setBigUint64(0, BigInt(bytes.length), true))
  return concat(length, checksum(length), bytes, checksum(bytes))
}

/** CRC-32C, rotated and offset so that a checksum of checksums is none of the same kind. */
const checksum = (bytes: Uint8Array): Uint8Array => {
  const crc = crc32c(bytes)
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
  return little(4, (view) => view.setUint32(0, masked, true))
}

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1
  return rest
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]
  return (crc ^ 0xffffffff) >>> 0
}

function little(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}
