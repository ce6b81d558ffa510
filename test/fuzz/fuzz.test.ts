import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../protocol/errors.ts'
import { Stream } from '../../protocol/stream.ts'
import { fuzz, shareOf, type Target } from './fuzz.ts'
import { targets } from './targets.ts'

describe('any bytes give a value or an error with a code, within the memory that was stated', () => {
  test.each(targets)('$name', (target) => {
    for (const seed of target.seeds) expect(() => target.decode(seed)).not.toThrow()
    const frames = shareOf(target, targets, 20_000)
    const { decoded, refused } = fuzz(target, frames, new Stream(`ci/${target.name}`))
    expect(decoded + refused).toBe(frames)
    expect(refused).toBeGreaterThan(0)
  })
})

describe('the fuzzer itself', () => {
  const target = (decode: Target['decode']): Target => ({
    ...{ name: 'a decoder', seeds: [Uint8Array.of(1, 2, 3)], memory: 4096, weight: 1 },
    decode,
  })
  const run = (decode: Target['decode']) => () => fuzz(target(decode), 500, new Stream('itself'))

  test('finds an error that is not of the two', () => {
    expect(run((bytes) => bytes[100].toString())).toThrow(/broke on frame \d+: TypeError/)
  })

  test('finds an allocation that a length in the frame asked for', () => {
    expect(run((bytes) => new Uint8Array(bytes.length > 3 ? bytes[3] << 8 : 0))).toThrow(/asked for \d+ bytes/)
  })

  test('leaves the platform as it was', () => {
    const before = Uint8Array
    expect(
      run(() => {
        throw new ProtocolError('ERR_FRAME', 'no')
      }),
    ).not.toThrow()
    expect(Uint8Array).toBe(before)
  })
})
