import fc from 'fast-check'
import { expect, test } from 'vitest'
import { augment } from '../../../learning/engine/augmentation.ts'
import { type Examples, streamed } from '../../../learning/engine/batches.ts'
import { Stream } from '../../../protocol/stream.ts'
import { inBlocks } from '../../contracts/trainer.ts'

/** Rows that know their number. */
const numbered = (rows: number): Examples => ({
  rows,
  features: 2,
  x: Float32Array.from({ length: 2 * rows }, (_, i) => Math.floor(i / 2)),
  y: Float32Array.from({ length: rows }, (_, i) => i),
})

async function visited(examples: Examples, block: number, buffer: number, batchSize: number, stream: Stream) {
  const batches = streamed({ rows: examples.rows, features: 2, blocks: () => inBlocks(examples, block), buffer })
  const sizes: number[] = []
  const order: number[] = []
  for await (const { rows, x, y } of batches.epoch(batchSize, stream)) {
    sizes.push(rows)
    order.push(...y)
    expect([...x]).toEqual([...y].flatMap((row) => [row, row]))
  }
  return { sizes, order }
}

test('every row comes once an epoch, in full batches but the last, whatever the blocks and the buffer', async () => {
  const size = fc.integer({ min: 1, max: 40 })
  await fc.assert(
    fc.asyncProperty(size, size, size, size, async (rows, block, buffer, batchSize) => {
      const { sizes, order } = await visited(numbered(rows), block, buffer, batchSize, new Stream('order'))
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i))
      expect(sizes.slice(0, -1).every((rowsOfBatch) => rowsOfBatch === batchSize)).toBe(true)
    }),
    { numRuns: 60, seed: 4 },
  )
})

test('a buffer as long as the data shuffles like any permutation; a buffer of one keeps the order', async () => {
  const { order } = await visited(numbered(200), 9, 200, 10, new Stream('order'))
  const places = order.map((row, place) => Math.abs(row - place))
  expect(places.reduce((sum, distance) => sum + distance, 0) / 200).toBeGreaterThan(50)
  const straight = await visited(numbered(50), 9, 1, 10, new Stream('order'))
  expect(straight.order).toEqual(Array.from({ length: 50 }, (_, i) => i))
})

test('two epochs of one stream have different orders, and equal streams equal ones', async () => {
  const [stream, other] = [new Stream('order'), new Stream('order')]
  const first = await visited(numbered(60), 10, 20, 8, stream)
  const second = await visited(numbered(60), 10, 20, 8, stream)
  expect(second.order).not.toEqual(first.order)
  expect((await visited(numbered(60), 10, 20, 8, other)).order).toEqual(first.order)
})

test('rows are asked for as they are needed: never more than a buffer, a block and a batch ahead', async () => {
  let opened = 0
  async function* counted(): AsyncGenerator<Examples> {
    for (let i = 0; i < 1000; i++) {
      opened += 10
      yield numbered(10)
    }
  }
  const batches = streamed({ rows: 10_000, features: 2, blocks: counted, buffer: 50 })
  let seen = 0
  const places = new Set<ArrayBufferLike>()
  for await (const { rows, x } of batches.epoch(16, new Stream('order'))) {
    seen += rows
    places.add(x.buffer)
    expect(opened - seen).toBeLessThanOrEqual(50 + 10 + 16)
  }
  expect(seen).toBe(10_000)
  expect(places.size).toBe(1)
})

test('an image moves by at most the shift, and what comes in is zero', () => {
  const image = Float32Array.of(1, 2, 3, 4, 5, 6)
  const seen = new Set<string>()
  const stream = new Stream('moves')
  for (let i = 0; i < 200; i++) {
    const copy = image.slice()
    augment(copy, [2, 3, 1], { shift: 1, flip: false }, stream)
    seen.add([...copy].join(' '))
  }
  // Three ways down times three ways right.
  expect(seen.size).toBe(9)
  expect(seen).toContain('1 2 3 4 5 6')
  expect(seen).toContain('0 0 0 0 1 2')
  expect(seen).toContain('5 6 0 0 0 0')
})

test('a mirrored image has its columns turned round, channel by channel', () => {
  const stream = new Stream('mirror')
  const seen = new Set<string>()
  for (let i = 0; i < 30; i++) {
    const copy = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    augment(copy, [2, 2, 2], { shift: 0, flip: true }, stream)
    seen.add([...copy].join(' '))
  }
  expect([...seen].toSorted()).toEqual(['1 2 3 4 5 6 7 8', '3 4 1 2 7 8 5 6'])
})
