/**
 * What a coordinator sees of a site, with up to all but two of the sites on its side, is uniform and independent of what
 * the site contributes (D4 of the design). All draws are fixed; each of some 1,300 figures is let in up to 6.2
 * standard deviations (5.6e-10 a figure), so that a uniform view fails in less than one draw of a million.
 */

import { describe, expect, test } from 'vitest'
import type { Mask } from '../../../protocol/crypto/provider.ts'
import { pairSeed, pairSign, selfSeed } from '../../../protocol/secagg/masks.ts'
import { encodeSecure } from '../../../protocol/secagg/messages.ts'
import { cohortOf, maskedUpload, openStage, type Stage, stateOf } from '../../support/secure-round.ts'

const five = [0, 1, 2, 3, 4]
const words = 2 ** 17
const limit = 6.2

/** How many standard deviations a chi-square is from what it should be (Wilson and Hilferty 1931). */
function deviations(chiSquare: number, freedom: number): number {
  return (Math.cbrt(chiSquare / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom))
}

function bytesIn(vector: Int32Array): Uint32Array {
  const counts = new Uint32Array(256)
  for (const byte of new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)) counts[byte]++
  return counts
}

function uniform(counts: Uint32Array): number {
  const each = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return deviations(
    counts.reduce((sum, count) => sum + (count - each) ** 2 / each, 0),
    counts.length - 1,
  )
}

/** Figures of a vector that should be uniform: bytes, each bit, low bits together, and bits of neighbours. */
function figures(vector: Int32Array): ReadonlyMap<string, number> {
  const found = new Map([['bytes', uniform(bytesIn(vector))]])
  const sigma = Math.sqrt(vector.length) / 2
  for (let bit = 0; bit < 32; bit++) {
    let ones = 0
    for (const word of vector) ones += (word >>> bit) & 1
    found.set(`bit ${bit}`, (ones - vector.length / 2) / sigma)
  }
  for (const low of [2, 8]) {
    const counts = new Uint32Array(2 ** low)
    for (const word of vector) counts[word & (2 ** low - 1)]++
    found.set(`lowest ${low} bits`, uniform(counts))
  }
  for (let lag = 1; lag <= 32; lag++) {
    let same = 0
    for (let i = lag; i < vector.length; i++) same += ~((vector[i] ^ vector[i - lag]) >>> 31) & 1
    const pairs = vector.length - lag
    found.set(`lag ${lag}`, (same - pairs / 2) / (Math.sqrt(pairs) / 2))
  }
  return found
}

const strange = (vector: Int32Array): string[] =>
  [...figures(vector)].filter(([, z]) => Math.abs(z) > limit).map(([name, z]) => `${name}: ${z.toFixed(1)}`)

/** Worlds that differ only in what the honest sites contribute. */
const worlds: Readonly<Record<string, (i: number) => number>> = {
  nothing: () => 0,
  'the largest numbers': () => 2 ** 31 - 1,
  'one number among zeros': (i) => (i === 7 ? -(2 ** 31) : 0),
  'a ramp': (i) => i,
}

interface Seen {
  readonly stage: Stage
  readonly vectors: readonly Int32Array[]
  /** Bytes of every message that the sites have sent. */
  readonly lengths: readonly number[]
  /** Mask secrets of the colluding, as they had them. */
  readonly secrets: ReadonlyMap<number, Uint8Array>
  /** What the shares of the self seeds open. */
  readonly selfSecrets: readonly Uint8Array[]
}

async function look(
  world: (i: number) => number,
  { draw = '', colluding = [] as readonly number[] } = {},
): Promise<Seen> {
  const stage = await openStage(await cohortOf(5, { draw }), five, new Int32Array(words))
  const secrets = new Map(
    colluding.map((index) => [index, stateOf(stage, index).deposit?.maskSecret.slice() ?? new Uint8Array(32)]),
  )
  const selfSecrets = five.map((index) => stateOf(stage, index).deposit?.selfSecret.slice() ?? new Uint8Array(32))
  const plain = Int32Array.from({ length: words }, (_, i) => world(i))
  const uploads = await Promise.all(five.map((index) => maskedUpload(stage, index, plain)))
  const vectors = uploads.map(({ vector }) => (vector instanceof Int32Array ? vector : new Int32Array(0)))
  const bundles = [...stage.round.deposits.values()].map(({ bundle }) => ({ type: 'deposit', bundle }) as const)
  const lengths = [...bundles, ...uploads.map(({ message }) => message)].map((message) => encodeSecure(message).length)
  return { stage, vectors, lengths, secrets, selfSecrets }
}

/** Takes off a site's vector the pair masks it shares with colluding sites. */
async function withoutColluding({ stage, vectors, secrets }: Seen, index: number): Promise<Int32Array> {
  const { provider } = stage.cohort.adder
  const { transcript, deposits } = stage.round
  const masks = [...secrets].map(async ([peer, secret]): Promise<Mask> => {
    const peerKey = deposits.get(index)?.keys.maskKey ?? new Uint8Array(32)
    const seed = await pairSeed(provider, transcript, { self: peer, secret, peer: index, peerKey })
    return { seed, sign: pairSign(index, peer) === 1 ? -1 : 1 }
  })
  const left = vectors[index].slice()
  await provider.addMasks(left, await Promise.all(masks))
  return left
}

describe('the view of a coordinator', () => {
  test('of one site is uniform, whatever the site contributes', async () => {
    for (const [name, world] of Object.entries(worlds)) {
      const { vectors } = await look(world, { draw: name })
      expect(strange(vectors[0]), name).toEqual([])
    }
  })

  test('is as long, message for message, in all worlds', async () => {
    const lengths = await Promise.all(Object.values(worlds).map(async (world) => (await look(world)).lengths))
    for (const other of lengths) expect(other).toEqual(lengths[0])
  })

  test('of two worlds is of one distribution: no count of bytes tells them apart', async () => {
    const one = bytesIn((await look(worlds.nothing, { draw: 'one world' })).vectors[0])
    const other = bytesIn((await look(worlds['the largest numbers'], { draw: 'another' })).vectors[0])
    const chiSquare = one.reduce((sum, count, byte) => sum + (count - other[byte]) ** 2 / (count + other[byte]), 0)
    expect(Math.abs(deviations(chiSquare, 255))).toBeLessThan(limit)
  })

  test.each([1, 2, 3])(
    'with %i colluding sites, whose masks it takes off, is still uniform in all worlds',
    async (count) => {
      for (const [name, world] of Object.entries(worlds)) {
        const seen = await look(world, { draw: `${name} ${count}`, colluding: five.slice(5 - count) })
        expect(strange(await withoutColluding(seen, 0)), name).toEqual([])
      }
    },
  )

  test('of two rounds shares no mask: their difference is uniform too', async () => {
    const [one, other] = await Promise.all(['first', 'second'].map((draw) => look(worlds.nothing, { draw })))
    const difference = one.vectors[0].map((word, i) => word - other.vectors[0][i])
    expect(strange(difference)).toEqual([])
    expect(strange(one.vectors[0].map((word, i) => word - one.vectors[1][i]))).toEqual([])
  })

  test('with three colluding sites and the self masks opened is still missing a mask: it has the sum of the two honest alone', async () => {
    for (const [name, world] of Object.entries(worlds)) {
      const seen = await look(world, { draw: `opened ${name}`, colluding: [2, 3, 4] })
      const { provider } = seen.stage.cohort.adder
      const opened = async (index: number): Promise<Int32Array> => {
        const left = await withoutColluding(seen, index)
        const seed = await selfSeed(provider, seen.stage.round.transcript, index, seen.selfSecrets[index])
        await provider.addMasks(left, [{ seed, sign: -1 }])
        return left
      }
      const [one, other] = [await opened(0), await opened(1)]
      expect(strange(one), name).toEqual([])
      expect(
        one.every((word, i) => ((word + other[i]) | 0) === ((2 * world(i)) | 0)),
        name,
      ).toBe(true)
    }
  })
})

describe('the figures find', () => {
  test('a mask that was not added, a smaller ring, a mask used twice, and words that repeat', async () => {
    const { vectors } = await look(worlds.nothing, { draw: 'controls' })
    const [good, another] = vectors
    expect(strange(Int32Array.from({ length: words }, (_, i) => worlds['a ramp'](i)))).not.toEqual([])
    expect(strange(good.map((word) => word & 0x7fffffff))).toContainEqual(expect.stringContaining('bit 31'))
    expect(strange(good.map((word) => word & ~1))).toContainEqual(expect.stringContaining('lowest 2 bits'))
    expect(strange(good.map((word, i) => (i % 16 === 0 ? another[0] : word)))).toContainEqual(
      expect.stringContaining('lag 16'),
    )
    expect(strange(good.map((word, i) => word - good[i]))).not.toEqual([])
  })
})
