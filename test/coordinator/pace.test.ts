import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../coordinator/clock.ts'
import { Members } from '../../coordinator/members.ts'
import { Pace } from '../../coordinator/pace.ts'
import { memoryBlobs, memoryLink } from '../../protocol/wire/memory-channel.ts'
import { encodeMessage } from '../../protocol/wire/messages.ts'

const began = 1_000_000
const rule = { factor: 3, floor: 1000 }
const awaited = (count: number): Set<number> => new Set(Array.from({ length: count }, (_, index) => index))
const pace = (sites: number, least: number, options = {}) =>
  new Pace({ rule, began, awaited: awaited(sites), needs: [{ members: awaited(sites), least }], ...options })

describe('who is left behind', () => {
  const times = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 12 })

  test('nobody before enough have answered; then whoever takes longer than the factor of the slowest answer, and the floor', () => {
    fc.assert(
      fc.property(times, fc.nat(12), (answers, more) => {
        const sites = answers.length + 1
        const least = Math.min(1 + more, answers.length)
        const step = pace(sites, least)
        const sorted = answers.toSorted((a, b) => a - b)
        for (const [i, took] of sorted.entries()) {
          if (i < least) expect(step.deadline(0)).toBeUndefined()
          step.answered(i, began + took)
        }
        expect(step.deadline(0)).toBe(began + Math.max(1000, 3 * sorted[sorted.length - 1]))
      }),
      { seed: 11, numRuns: 200 },
    )
  })

  test('bytes of an upload put it off, however slowly they come, and an upload of an earlier step does not', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -50_000, max: 500_000 }), (answers, moved) => {
        const step = pace(answers.length + 1, answers.length)
        for (const [i, took] of answers.entries()) step.answered(i, began + took)
        const own = began + Math.max(1000, 3 * Math.max(...answers))
        expect(step.deadline(began + moved)).toBe(moved > 0 ? Math.max(own, began + moved + 1000) : own)
      }),
      { seed: 12, numRuns: 200 },
    )
  })

  test('every need counts: a group that lacks answers holds the step open, one that cannot have them any more does not', () => {
    const groups = [
      { members: [0, 1, 2], least: 2 },
      { members: [3, 4, 5], least: 2 },
    ]
    const step = pace(6, 0, { needs: groups })
    for (const index of [0, 1, 3]) step.answered(index, began + 10)
    expect(step.deadline(0)).toBeUndefined()
    step.gone(4)
    expect(step.deadline(0)).toBeUndefined()
    step.gone(5)
    expect(step.deadline(0)).toBe(began + 1000)
  })

  test('whom the sum cannot do without is not left behind, but said, once others have long answered', () => {
    const step = pace(3, 3)
    expect(step.overdue).toBeUndefined()
    step.answered(0, began + 700)
    expect([step.overdue, step.deadline(0)]).toEqual([began + 2100, undefined])
    step.answered(1, began + 10)
    expect([step.overdue, step.deadline(0)]).toEqual([began + 2100, undefined])
    step.answered(2, began + 5000)
    expect(step.overdue).toBeUndefined()
  })

  test('nobody, ever, where no rule is set', () => {
    const step = pace(3, 1, { rule: undefined })
    step.answered(0, began)
    expect([step.deadline(0), step.overdue]).toEqual([undefined, undefined])
  })
})

interface Deed {
  readonly at: number
  readonly act: () => void
}

/** Time that passes only while somebody waits for it, from one deed of the sites to the next. */
function virtualClock(deeds: Deed[]): Clock {
  let now = 0
  return {
    now: () => now,
    wait: async (milliseconds) => {
      const until = now + milliseconds
      const [next] = deeds.sort((a, b) => a.at - b.at)
      if (next === undefined || next.at > until) {
        now = until
        return
      }
      now = Math.max(now, next.at)
      deeds.shift()
      next.act()
      // What was said reaches the members before time goes on.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

/** Three sites answer when they do, a fourth beats its heart every 500 ms and does what `deeds` say. */
async function gathered(fourth: (site: { answer: () => void; move: () => void }) => readonly Deed[]) {
  const deeds: Deed[] = []
  const clock = virtualClock(deeds)
  const members = new Members({ clock, patience: 2000, stragglers: { factor: 3, floor: 2000 } })
  const links = [0, 1, 2, 3].map((index) => {
    const link = memoryLink(memoryBlobs())
    members.connect({ index, name: `site-${index}` }, link.coordinator)
    return link.site
  })
  const answer = (index: number): void => links[index].send(encodeMessage({ type: 'decline', code: 'X', reason: '' }))
  const beat = (): void => links[3].send(encodeMessage({ type: 'progress', attempt: 1, done: 0 }))
  for (const index of [0, 1, 2]) deeds.push({ at: 1000 * (index + 1), act: () => answer(index) })
  for (let at = 500; at < 300_000; at += 500) deeds.push({ at, act: beat })
  for (let at = 500; at < 3000; at += 500)
    deeds.push(...[0, 1, 2].map((index) => ({ at, act: () => members.heard(index) })))
  deeds.push(...fourth({ answer: () => answer(3), move: () => members.moved(3) }))
  const absent = await members.gather({
    awaits: [0, 1, 2, 3],
    needs: [{ members: [0, 1, 2, 3], least: 3 }],
    take: async (_, message) => (message.type === 'decline' ? 'answered' : 'ignored'),
  })
  return { absent, at: clock.now(), stays: members.has(3) }
}

describe('a site that beats its heart and does not answer', () => {
  test('is left behind at three times what the slowest of the others took, and its link stays', async () => {
    const { absent, at, stays } = await gathered(() => [])
    expect(absent).toMatchObject([{ member: { name: 'site-3' }, code: 'ERR_STRAGGLER' }])
    expect(at).toBe(9000)
    expect(stays).toBe(true)
  })

  test('is waited for while its upload moves, though it were for minutes, and is in the sum when it has arrived', async () => {
    const { absent, at } = await gathered(({ answer, move }) => [
      ...Array.from({ length: 100 }, (_, i) => ({ at: 1900 * (i + 1), act: move })),
      { at: 190_500, act: answer },
    ])
    expect(absent).toEqual([])
    expect(at).toBe(190_500)
  })

  test('is left behind when its upload stands still', async () => {
    const { absent, at } = await gathered(({ move }) => [8000, 9500, 11_000].map((when) => ({ at: when, act: move })))
    expect(absent).toMatchObject([{ code: 'ERR_STRAGGLER' }])
    expect(at).toBe(13_000)
  })
})
