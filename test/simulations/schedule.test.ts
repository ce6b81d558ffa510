import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Stream } from '../../protocol/stream.ts'
import { fateOf } from '../../simulations/faults/fate.ts'
import { faults } from '../../simulations/faults/index.ts'
import { choose } from '../../simulations/menu.ts'
import { asynchronous, oneByOne, sample, synchronous } from '../../simulations/runner/schedule.ts'

const facts = (round: number) => ({ round, attempt: 0, training: true, bytesUp: 1_250_000, bytesDown: 6_250_000 })
const clock = { up: 1_250_000, down: 6_250_000, latency: 0.5, rowsPerSecond: 100 }
const fates = (chosen: readonly { name: string }[], change = {}) =>
  fateOf({
    clock: { ...clock, ...change },
    faults: chosen.map((fault) => choose(faults, fault, 'simulation.faults')),
    seed: 1,
    rows: () => 300,
  })

test('a sample is of the size asked for, without repetition, and every site comes up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.string(), (all, wanted, seed) => {
      const count = 1 + (wanted % all)
      const drawn = sample(all, count, new Stream(seed))
      expect(new Set(drawn).size).toBe(count)
      expect(drawn.every((site) => site >= 0 && site < all)).toBe(true)
    }),
    { seed: 4, numRuns: 100 },
  )
  const seen = new Set(Array.from({ length: 60 }, (_, i) => sample(20, 4, new Stream(`${i}`))).flat())
  expect(seen.size).toBe(20)
})

describe('the virtual clock', () => {
  test('adds two latencies, a second down, a second up and three of computing', () => {
    expect(fates([])(0, facts(1))).toEqual({ type: 'present', seconds: 6 })
  })

  test('a slow link takes its factor, a straggler longer, a corrupted upload is sent again', () => {
    expect(fates([{ name: 'slow-links', share: 1, factor: 10 } as { name: string }])(0, facts(1)).seconds).toBe(24)
    const slow = fates([{ name: 'stragglers', between: 1, within: 0 } as { name: string }])
    expect(slow(3, facts(1)).seconds).toBe(slow(3, facts(2)).seconds)
    expect(slow(3, facts(1)).seconds).not.toBe(slow(4, facts(1)).seconds)
    const spoilt = fates([{ name: 'corrupted', rate: 1, tries: 2 } as { name: string }])
    expect(spoilt(0, facts(1))).toMatchObject({ type: 'absent', code: 'ERR_BLOB' })
    const sometimes = fates([{ name: 'corrupted', rate: 0.5, tries: 50 } as { name: string }])
    const seconds = Array.from({ length: 40 }, (_, site) => sometimes(site, facts(1)).seconds)
    expect(new Set(seconds.map(Math.round))).toContain(7)
  })

  test('who is not back by the deadline is absent, and a fast clock gives up before it', () => {
    expect(fates([], { deadline: 5 })(0, facts(1))).toMatchObject({ type: 'absent', code: 'ERR_SILENT', seconds: 5 })
    expect(fates([], { deadline: 7 })(0, facts(1))).toMatchObject({ type: 'present' })
    const skewed = fates([{ name: 'clock-skew', deviation: 0.5 } as { name: string }], { deadline: 7 })
    const kinds = Array.from({ length: 40 }, (_, site) => skewed(site, facts(1)).type)
    expect(new Set(kinds)).toEqual(new Set(['present', 'absent']))
  })

  test('drop-outs come at their rate, and who left for good stays away', () => {
    const away = fates([{ name: 'drop-out', rate: 0.3 } as { name: string }])
    const absent = Array.from({ length: 2000 }, (_, i) => away(i % 50, facts(i))).filter(
      ({ type }) => type === 'absent',
    )
    expect(Math.abs(absent.length / 2000 - 0.3)).toBeLessThan(0.04)
    const leaving = fates([{ name: 'drop-out', rate: 0, leaving: 1, within: 5 } as { name: string }])
    expect(Array.from({ length: 20 }, (_, site) => leaving(site, facts(6)).type)).not.toContain('present')
  })
})

test('a turn goes round the sites one by one', () => {
  const everyone = synchronous({ sites: 3, sampling: undefined, needed: 3, seed: 1, fate: undefined })
  const turns = oneByOne(3, everyone)
  const seats = [1, 2, 3, 4].map((round) => turns.turn(facts(round)).seats.map(({ site }) => site))
  expect(seats).toEqual([[0], [1], [2], [0]])
  expect(turns.turn({ ...facts(5), training: false }).seats.length).toBe(3)
})

test('sites that do not wait start from older states, and a step takes less time than the slowest of them', () => {
  const everyone = synchronous({ sites: 20, sampling: undefined, needed: 3, seed: 1, fate: undefined })
  const fate = fates([{ name: 'stragglers', between: 1.5 } as { name: string }])
  const schedule = asynchronous({ sites: 20, concurrency: 8, buffer: 3, seed: 1, fate, everyone })
  let staleness = 0
  let slowest = 0
  let seconds = 0
  for (let round = 1; round <= 30; round++) {
    const turn = schedule.turn(facts(round))
    expect(turn.seats.length).toBe(3)
    for (const { site, version } of turn.seats) {
      expect(version).toBeLessThanOrEqual(round)
      staleness = Math.max(staleness, round - version)
      slowest = Math.max(slowest, fate(site, facts(version)).seconds)
    }
    expect(schedule.oldest(round)).toBeLessThanOrEqual(round)
    seconds += turn.seconds ?? 0
  }
  expect(staleness).toBeGreaterThan(0)
  expect(seconds / 30).toBeLessThan(slowest)
})
