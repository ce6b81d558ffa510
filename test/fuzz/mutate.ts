/** Mutation of valid frames: what a broken or hostile peer might send instead, drawn from a seeded stream. */

import type { Stream } from '../../protocol/stream.ts'

/** One to four changes to `seed`, or bytes of no meaning at all. `others` lend pieces. */
export function mutate(seed: Uint8Array, others: readonly Uint8Array[], stream: Stream): Uint8Array {
  if (stream.below(50) === 0) return randomBytes(stream.below(400), stream)
  let bytes = seed
  for (let i = 1 + stream.below(4); i > 0; i--) bytes = changes[stream.below(changes.length)](bytes, others, stream)
  return bytes
}

type Change = (bytes: Uint8Array, others: readonly Uint8Array[], stream: Stream) => Uint8Array

const changes: readonly Change[] = [
  // A bit, a byte.
  (bytes, _, stream) => replaced(bytes, at(bytes, stream), (byte) => byte ^ (1 << stream.below(8))),
  (bytes, _, stream) => replaced(bytes, at(bytes, stream), () => stream.below(256)),
  // A length, a count or an index of four bytes: nothing, a little more, as much as there is, as much as can be.
  (bytes, _, stream) => {
    const values = [0, 1, 255, 256, 65_535, bytes.length, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]
    return integer(bytes, at(bytes, stream), values[stream.below(values.length)])
  },
  (bytes, _, stream) => {
    const start = at(bytes, stream)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (start + 4 > bytes.length) return bytes
    return integer(bytes, start, view.getUint32(start) + stream.below(5) - 2)
  },
  // Cut, lengthened, a piece gone, a piece twice.
  (bytes, _, stream) => bytes.subarray(0, stream.below(bytes.length + 1)),
  (bytes, _, stream) => joined(bytes, randomBytes(1 + stream.below(40), stream)),
  (bytes, _, stream) => {
    const from = at(bytes, stream)
    return joined(bytes.subarray(0, from), bytes.subarray(from + 1 + stream.below(64)))
  },
  (bytes, _, stream) => {
    const from = at(bytes, stream)
    const piece = bytes.subarray(from, from + 1 + stream.below(64))
    return joined(bytes.subarray(0, from), piece, piece, bytes.subarray(from + piece.length))
  },
  // The beginning of this and the end of another.
  (bytes, others, stream) => {
    const other = others[stream.below(others.length)]
    return joined(bytes.subarray(0, at(bytes, stream)), other.subarray(at(other, stream)))
  },
  // What means something in texts.
  (bytes, _, stream) => {
    const from = at(bytes, stream)
    const token = tokens[stream.below(tokens.length)]
    return joined(bytes.subarray(0, from), token, bytes.subarray(from + stream.below(token.length + 1)))
  },
]

const tokens = [
  ...[
    'null',
    '-1',
    '1e999',
    '0.1',
    '""',
    '[]',
    '{}',
    '{"',
    '}',
    ']',
    ',',
    ':',
    '\n',
    '\n\n',
    '\u0000',
    '"\\ud800"',
    'true',
  ],
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '!!binary x',
    '? ',
    '- ',
    '# ',
    '|\n',
    '%YAML 9.9\n',
    '---\n',
    '...\n',
    '__proto__',
    'name: ',
  ],
  ...['NaN', '.inf', '9007199254740993', '[[[[[[[[[[[[[[[[[[[[', '\ufeff', '\u2028', 'constructor'],
].map((text) => new TextEncoder().encode(text))

const at = (bytes: Uint8Array, stream: Stream): number => (bytes.length === 0 ? 0 : stream.below(bytes.length))

const replaced = (bytes: Uint8Array, where: number, to: (byte: number) => number): Uint8Array =>
  bytes.map((byte, i) => (i === where ? to(byte) : byte))

function integer(bytes: Uint8Array, where: number, value: number): Uint8Array {
  if (where + 4 > bytes.length) return bytes
  const copy = bytes.slice()
  new DataView(copy.buffer).setUint32(where, value >>> 0)
  return copy
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

const randomBytes = (length: number, stream: Stream): Uint8Array => Uint8Array.from({ length }, () => stream.below(256))
