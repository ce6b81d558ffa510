import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Attendances } from '../../coordinator/cohort.ts'
import type { Absence, Member } from '../../coordinator/members.ts'

const members = (...indices: number[]): Member[] => indices.map((index) => ({ index, name: `site-${index}` }))
const silent = (index: number): Absence => ({ member: members(index)[0], code: 'ERR_SILENT', reason: 'nothing came' })
const indices = (chosen: readonly Member[]): number[] => chosen.map(({ index }) => index)
const everyone = { needed: 3, sampled: undefined, seed: 1 }

test('a draw has the size the plan fixes, never fewer than a sum needs, and is the same for whoever has the plan', () => {
  const present = fc.uniqueArray(fc.nat({ max: 40 }), { minLength: 3, maxLength: 30 })
  fc.assert(
    fc.property(present, fc.nat(500), fc.integer({ min: 1, max: 40 }), (here, round, sampled) => {
      const rules = { needed: 3, sampled, seed: 7 }
      const { members: chosen, absent } = new Attendances().choose(round, members(...here), rules)
      expect(chosen).toHaveLength(Math.min(here.length, Math.max(3, sampled)))
      expect([...indices(chosen), ...absent.map(({ member }) => member.index)].toSorted()).toEqual(here.toSorted())
      expect(new Attendances().choose(round, members(...here.toReversed()), rules).members).toEqual(chosen)
    }),
    { seed: 3, numRuns: 100 },
  )
})

test('over many rounds each site is drawn as often as any other, whoever is away', () => {
  const counts = new Map<number, number>()
  for (let round = 0; round < 4000; round++) {
    const here = members(0, 1, 2, 3, 5, 7, 8, 9)
    const { members: chosen } = new Attendances().choose(round, here, { needed: 3, sampled: 4, seed: 1 })
    for (const index of indices(chosen)) counts.set(index, (counts.get(index) ?? 0) + 1)
  }
  // Binomial(4000, 1/2): five standard deviations are 158.
  for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(158)
  expect(counts.size).toBe(8)
})

describe('a site that fails round after round', () => {
  const here = members(0, 1, 2, 3)
  const roundsAsked = (rounds: number): number[] => {
    const attendances = new Attendances()
    return Array.from({ length: rounds }, (_, round) => round).filter((round) => {
      const asked = indices(attendances.choose(round, here, everyone).members)
      const isAsked = asked.includes(3)
      attendances.note(round, [0, 1, 2], isAsked ? [silent(3)] : [])
      return isAsked
    })
  }

  test('is asked more and more seldom, and never forgotten', () => {
    // Failed in 0 and 1: one round out, then two, four, eight, sixteen, sixteen.
    expect(roundsAsked(70)).toEqual([0, 1, 3, 6, 11, 20, 37, 54])
  })

  test('is let back in for good once it is in a sum again', () => {
    const attendances = new Attendances()
    for (const round of [0, 1, 3]) attendances.note(round, [0, 1, 2], [silent(3)])
    expect(attendances.choose(4, here, everyone).absent).toMatchObject([
      { code: 'ERR_SET_ASIDE', reason: expect.stringContaining('asked again in round 6') },
    ])
    attendances.note(6, [0, 1, 2, 3], [])
    attendances.note(7, [0, 1, 2], [silent(3)])
    expect(indices(attendances.choose(8, here, everyone).members)).toContain(3)
  })

  test('is asked all the same where a sum could not do without it', () => {
    const attendances = new Attendances()
    for (const round of [0, 1]) attendances.note(round, [0, 1], [silent(3)])
    expect(indices(attendances.choose(2, members(0, 1, 3), everyone).members)).toEqual([0, 1, 3])
  })

  test('does not fail by being away, or by not being drawn', () => {
    const attendances = new Attendances()
    for (let round = 0; round < 5; round++) {
      const code = round % 2 === 0 ? 'ERR_NOT_CONNECTED' : 'ERR_NOT_SAMPLED'
      attendances.note(round, [0, 1, 2], [{ ...silent(3), code }])
    }
    expect(indices(attendances.choose(5, here, everyone).members)).toContain(3)
  })
})

describe('a site that was left behind', () => {
  const here = members(0, 1, 2, 3)

  test('is not asked until it has said something, and then at once', () => {
    const attendances = new Attendances()
    attendances.leftBehind(3, 4)
    for (const round of [5, 6]) {
      const { members: chosen, absent } = attendances.choose(round, here, everyone)
      expect(indices(chosen)).toEqual([0, 1, 2])
      expect(absent).toMatchObject([{ code: 'ERR_STILL_BUSY', reason: expect.stringContaining('round 4') }])
      attendances.note(round, [0, 1, 2], absent)
    }
    attendances.caughtUp(3)
    expect(indices(attendances.choose(7, here, everyone).members)).toEqual([0, 1, 2, 3])
  })

  test('is asked all the same where a sum could not do without it, after those that are set aside', () => {
    const attendances = new Attendances()
    for (const round of [0, 1]) attendances.note(round, [0, 1], [silent(2)])
    attendances.leftBehind(3, 1)
    expect(indices(attendances.choose(2, here, everyone).members)).toEqual([0, 1, 2])
    expect(indices(attendances.choose(2, members(0, 1, 3), everyone).members)).toEqual([0, 1, 3])
  })
})
