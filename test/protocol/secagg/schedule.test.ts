/** Runs under random schedules of lost links, killed processes, repeated and late messages, against what a sum has to be. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../protocol/bytes.ts'
import { decodeSecure, encodeSecure, type SecureMessage } from '../../../protocol/secagg/messages.ts'
import { Stream } from '../../../protocol/stream.ts'
import type { SiteLink } from '../../../protocol/wire/channel.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/wire/messages.ts'
import { runSums, type SiteHandle, type SumRun, wrongRounds } from '../../support/sum-run.ts'

/** Once an attempt: every answer of a site that left it, over all its lives. */
class Answers {
  readonly #said = new Map<string, Set<string>>()

  take(site: number, frame: Uint8Array): void {
    const secure = secureOf(frame)
    if (secure === undefined || !['upload', 'consistency', 'reveal'].includes(secure.type)) return
    const attempt = secure.type === 'deposit' ? secure.bundle.attempt : secure.attempt
    const key = `site ${site}, attempt ${attempt}: ${secure.type}`
    this.#said.set(key, (this.#said.get(key) ?? new Set()).add(toHex(frame)))
  }

  get twice(): string[] {
    return [...this.#said].filter(([, frames]) => frames.size > 1).map(([key]) => key)
  }
}

function secureOf(frame: Uint8Array): SecureMessage | undefined {
  const message = decodeMessage(frame)
  return message.type === 'secure' ? decodeSecure(message.body) : undefined
}

/** A link on which some frames are followed by a cut or a kill, or preceded by a frame of before. */
function unruly(link: SiteLink, site: SiteHandle, { chance, faults, answers }: Unruly): SiteLink {
  const sent: Uint8Array[] = []
  const heard: Uint8Array[] = []
  const strike = (): 'cut' | 'kill' | 'repeat' | 'old' | undefined => {
    if (faults.left === 0 || chance.uniform() > 0.08) return undefined
    faults.left--
    return (['cut', 'kill', 'repeat', 'old'] as const)[chance.below(4)]
  }
  return {
    ...link,
    send: (frame) => {
      answers.take(site.index, frame)
      const fault = strike()
      if (fault === 'old' && sent.length > 0) link.send(sent[chance.below(sent.length)])
      if (fault === 'repeat') link.send(frame)
      sent.push(frame)
      link.send(frame)
      if (fault === 'cut') site.cut()
      if (fault === 'kill') site.kill()
    },
    frames: (async function* () {
      for await (const frame of link.frames) {
        const fault = strike()
        if (fault === 'cut') site.cut()
        if (fault === 'kill') site.kill()
        if (fault === 'old' && heard.length > 0) yield heard[chance.below(heard.length)]
        if (fault === 'repeat') yield frame
        heard.push(frame)
        yield frame
      }
    })(),
  }
}

interface Unruly {
  readonly chance: Stream
  readonly faults: { left: number }
  readonly answers: Answers
}

test('whatever is lost, killed, repeated or late, each committed sum is exactly what its participants said, once an attempt', async () => {
  const schedule = fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    mode: fc.constantFrom('strict' as const, 'fast' as const),
    group: fc.constantFrom(undefined, 4),
  })
  let struck = 0
  await fc.assert(
    fc.asyncProperty(schedule, async ({ seed, mode, group }) => {
      const parts = { chance: new Stream(`schedule ${seed}`), faults: { left: 8 }, answers: new Answers() }
      const run = await runSums({
        ...{ sites: group === undefined ? 4 : 8, rounds: 3 },
        rules: { quorum: { colluding: 0 }, encoding: { mode, group } },
        shape: (link, site) => unruly(link, site, parts),
      })
      struck += 8 - parts.faults.left
      expect(wrongRounds(run)).toEqual([])
      expect(run.result.rounds).toBe(3)
      expect(parts.answers.twice).toEqual([])
    }),
    { numRuns: 24, seed: 20_261_125 },
  )
  expect(struck).toBeGreaterThan(60)
}, 120_000)

describe('a site that is killed', () => {
  /** Site 1 is killed once, as soon as it has said something of this type. */
  const killedAfter = async (type: SecureMessage['type'], rounds = 2): Promise<{ run: SumRun; answers: Answers }> => {
    const answers = new Answers()
    let killed = false
    const run = await runSums({
      ...{ sites: 5, rounds },
      shape: (link, site) => ({
        ...link,
        send: (frame) => {
          answers.take(site.index, frame)
          link.send(frame)
          if (killed || site.index !== 1 || secureOf(frame)?.type !== type) return
          killed = true
          site.kill()
        },
      }),
    })
    expect(killed).toBe(true)
    return { run, answers }
  }

  test.each(['deposit', 'upload', 'consistency', 'reveal'] as const)(
    'after its %s says nothing twice; the sums stay exact, and it is in the last one',
    async (type) => {
      const { run, answers } = await killedAfter(type, 4)
      expect(answers.twice).toEqual([])
      expect(wrongRounds(run)).toEqual([])
      expect(run.entries.findLast((entry) => entry.type === 'round')).toMatchObject({
        participants: ['site-0', 'site-1', 'site-2', 'site-3', 'site-4'],
      })
    },
  )
})

describe('the journal names', () => {
  /** Site 1 once says something else in place of a message of this type. */
  const lying = (type: SecureMessage['type'], lie: (message: SecureMessage) => Uint8Array): Promise<SumRun> => {
    let lied = false
    return runSums({
      sites: 5,
      shape: (link, { index }) => ({
        ...link,
        send: (frame) => {
          const secure = secureOf(frame)
          if (lied || index !== 1 || secure?.type !== type) link.send(frame)
          else {
            lied = true
            link.send(encodeMessage({ type: 'secure', body: lie(secure) }))
          }
        },
      }),
    })
  }
  const unsigned = (message: SecureMessage): Uint8Array =>
    encodeSecure('signature' in message ? { ...message, signature: new Uint8Array(64) } : message)

  test.each([
    ['an upload', 'upload', 'ERR_SIGNATURE'],
    ['a consent to the survivors', 'consistency', 'ERR_SIGNATURE'],
    ['shares', 'reveal', 'ERR_SIGNATURE'],
  ] as const)('who sends %s with a wrong signature; the others have their sum', async (_what, type, code) => {
    const run = await lying(type, unsigned)
    expect(run.entries).toContainEqual(expect.objectContaining({ type: 'culprit', site: 'site-1', attempt: 1, code }))
    expect(wrongRounds(run)).toEqual([])
  })

  test('who sends bytes that are no message, or a deposit in the name of another', async () => {
    const garbage = await lying('upload', () => Uint8Array.of(5, 1, 2, 3))
    expect(garbage.entries).toContainEqual(
      expect.objectContaining({ type: 'culprit', site: 'site-1', code: 'ERR_FRAME' }),
    )
    const stolen = await lying('deposit', (message) =>
      encodeSecure(message.type === 'deposit' ? { ...message, bundle: { ...message.bundle, index: 2 } } : message),
    )
    expect(stolen.entries).toContainEqual(
      expect.objectContaining({ type: 'culprit', site: 'site-1', code: 'ERR_IMPERSONATION' }),
    )
    for (const run of [garbage, stolen]) expect(wrongRounds(run)).toEqual([])
  })

  test('who deals shares that nobody can open: the attempt ends before anything is revealed, the next goes without it', async () => {
    const run = await runSums({
      ...{ sites: 5, assembly: 1 },
      shape: (link, { index }) => {
        if (index === 1) return link
        // Every other site finds the share of site 1 broken, as it would if site 1 had sealed noise.
        const frames = (async function* () {
          for await (const frame of link.frames) {
            const secure = secureOf(frame)
            if (secure?.type !== 'round-start' || secure.attempt !== 1) yield frame
            else {
              const dealer = secure.members[1].index
              const sealed = secure.sealed.map((share) =>
                share.peer === dealer ? { ...share, sealed: new Uint8Array(share.sealed.length) } : share,
              )
              yield encodeMessage({ type: 'secure', body: encodeSecure({ ...secure, sealed }) })
            }
          }
        })()
        return { ...link, frames }
      },
    })
    expect(run.entries).toContainEqual(
      expect.objectContaining({ type: 'culprit', site: 'site-1', attempt: 1, code: 'ERR_BAD_SHARE' }),
    )
    expect(run.entries.findLast((entry) => entry.type === 'round')).toMatchObject({
      participants: ['site-0', 'site-2', 'site-3', 'site-4'],
    })
    expect(wrongRounds(run)).toEqual([])
  })
})
