import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lane, SumRequest } from '../../../protocol/algorithm.ts'
import { fromHex, toHex } from '../../../protocol/bytes.ts'
import {
  centred,
  packBits,
  packedLength,
  packVector,
  unpackBits,
  unpackVector,
  vectorLength,
} from '../../../protocol/vector/packing.ts'

/** The rows `packing` of the design's reference vectors. */
const frozen = [
  { bits: 24, values: [1, 16777215, 8388608, 4660, 0], hex: '010000ffffff000080341200000000' },
  { bits: 20, values: [1, 1048575, 524288, 74565, 7], hex: '0100f0ffff0000583412070000' },
  { bits: 16, values: [1, 65535, 32768], hex: '0100ffff0080' },
  { bits: 12, values: [1, 4095, 2048, 291], hex: '01f0ff003812' },
]

test.each(frozen)('$bits bits pack to the frozen bytes and back', ({ bits, values, hex }) => {
  const bytes = new Uint8Array(Math.ceil((values.length * bits) / 8))
  packBits(Int32Array.from(values), bits, bytes)
  expect(toHex(bytes)).toBe(hex)
  const words = new Int32Array(values.length)
  unpackBits(fromHex(hex), bits, words)
  expect([...words]).toEqual(values.map((value) => centred(value, bits)))
})

const lane = fc.record({ length: fc.integer({ min: 1, max: 40 }), bits: fc.constantFrom(16, 20, 24, undefined) })

const request = fc.array(lane, { minLength: 1, maxLength: 4 }).map(
  (lanes): SumRequest => ({
    purpose: 'test',
    bits: 32,
    lanes: lanes.map(({ length, bits }, i): Lane => {
      const narrow = bits === 16 || bits === 20 || bits === 24 ? { bits } : {}
      return { name: `${i}`, length, bound: 1, kind: 'real', ...narrow }
    }),
  }),
)

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

test('a vector of lanes of any widths comes back modulo each width, from as many bytes as its bits need', () => {
  fc.assert(
    fc.property(request, fc.infiniteStream(word), (asked, words) => {
      const vector = Int32Array.from({ length: vectorLength(asked) }, () => words.next().value)
      const bytes = packVector(vector, asked)
      expect(bytes.length).toBe(
        asked.lanes.reduce((sum, { length, bits = 32 }) => sum + Math.ceil((length * bits) / 8), 0),
      )
      const expected = asked.lanes.flatMap(({ length, bits = 32 }) => new Array<number>(length).fill(bits))
      expect([...unpackVector(bytes, asked)]).toEqual([...vector].map((value, i) => centred(value, expected[i])))
    }),
  )
})

test('what is added modulo 2^32 and packed is what is packed and added modulo the width', () => {
  fc.assert(
    fc.property(request, fc.infiniteStream(word), (asked, words) => {
      const length = vectorLength(asked)
      const draw = () => Int32Array.from({ length }, () => words.next().value)
      const [a, b] = [draw(), draw()]
      const over = (x: ArrayLike<number | bigint>, y: ArrayLike<number | bigint>) =>
        Int32Array.from({ length }, (_, i) => Number(x[i]) + Number(y[i]))
      const wire = (vector: Int32Array) => unpackVector(packVector(vector, asked), asked)
      expect(packVector(over(a, b), asked)).toEqual(packVector(over(wire(a), wire(b)), asked))
    }),
  )
})

test('bytes of another length are refused', () => {
  fc.assert(
    fc.property(request, fc.integer({ min: -4, max: 4 }), (asked, more) => {
      fc.pre(more !== 0 && packedLength(asked) + more >= 0)
      expect(() => unpackVector(new Uint8Array(packedLength(asked) + more), asked)).toThrow(
        expect.objectContaining({ name: 'ProtocolError', code: 'ERR_VECTOR_LENGTH' }),
      )
    }),
  )
})

test('64-bit words are their own bytes, little-endian', () => {
  const asked: SumRequest = { purpose: 'test', bits: 64, lanes: [{ name: 'n', length: 2, bound: 1, kind: 'integer' }] }
  expect(toHex(packVector(BigInt64Array.of(1n, -2n), asked))).toBe('0100000000000000feffffffffffffff')
})
