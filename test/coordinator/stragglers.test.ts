import { expect, test } from 'vitest'
import type { Peer } from '../../coordinator/bulk.ts'
import { Hub } from '../../coordinator/hub.ts'
import { Members } from '../../coordinator/members.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'
import { runSums, type SumRun, wrongRounds } from '../support/sum-run.ts'

/** A promise, and what settles it. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const roundsOf = ({ entries }: SumRun) => entries.flatMap((entry) => (entry.type === 'round' ? [entry] : []))

test.each([undefined, 4])(
  'a site that computes for rounds is left behind, named, and in the sums again once it is done (groups of %s)',
  async (group) => {
    const [slow, late, sites] = [3, 2, group === undefined ? 6 : 8]
    const released = gate()
    const answered = gate()
    const run = await runSums({
      ...{ sites, rounds: 12, stragglers: { factor: 3, floor: 100_000 } },
      ...(group !== undefined && { rules: { encoding: { group } } }),
      work: async (index, round) => {
        if (index === slow && round === late) await released.opened
        // By then the slow one has been released, and its answer to round 2 must have come.
        if (index === 0 && round === 8) await answered.opened
      },
      onEvent: (event) => {
        if (event.type === 'round' && event.round === 6) released.open()
      },
      onSiteEvent: (event) => {
        if (event.site === slow && event.type === 'contributed' && event.round === late) answered.open()
      },
    })
    expect(wrongRounds(run)).toEqual([])
    const rounds = roundsOf(run)
    expect(rounds).toHaveLength(12)
    const name = run.roster[slow]
    const codes = rounds.map(({ absent }) => absent.find(({ site }) => site === name)?.code ?? 'there')
    expect(codes.slice(0, 7)).toEqual([...['there', 'there', 'ERR_STRAGGLER'], ...Array(4).fill('ERR_STILL_BUSY')])
    expect(codes.slice(9)).toContain('there')
    expect(run.turnedAway).toEqual([])
  },
)

test('a site that computes on and that the sum cannot do without is named, waited for, and then the rounds go on', async () => {
  const released = gate()
  let atWork = false
  const run = await runSums({
    ...{ sites: 3, rounds: 2, stragglers: { factor: 3, floor: 20_000 } },
    work: async (index, round) => {
      if (index !== 1 || round !== 0) return
      atWork = true
      await released.opened
    },
    onEvent: (event) => {
      if (atWork && event.type === 'waiting' && event.missing.join() === 'site-1') released.open()
    },
  })
  expect(roundsOf(run).map(({ absent }) => absent)).toEqual([[], []])
  const waiting = run.events.findLastIndex(({ type }) => type === 'waiting')
  expect(run.events.slice(waiting).find(({ type }) => type === 'assembled')).toEqual({ type: 'assembled', sites: 3 })
})

test('bytes of an upload are told to every run that its site is in', async () => {
  const moved: string[] = []
  class Watched extends Members {
    readonly #name: string
    constructor(name: string) {
      super({ clock: { now: () => 0, wait: async () => {} }, patience: 1 })
      this.#name = name
    }
    override moved(index: number): void {
      moved.push(`${this.#name}/${index}`)
    }
  }
  const peers: Peer[] = []
  const bulk = {
    admit: (_: string, peer: Peer) => peers.push(peer),
    dismiss: async () => {},
    take: async () => undefined,
  }
  const hub = new Hub({ bulk, clock: { now: () => 0, wait: async () => {} }, patience: 1 })
  const roster = ['a', 'b'].map((name, i) => ({ name, identity: new Uint8Array(32).fill(i + 1) }))
  const connection = { frames: new Mailbox<Uint8Array>(), send: () => {}, close: () => {} }
  hub.connect({ identity: roster[1].identity, connection, version: 2, token: new Uint8Array(32) })
  hub.open('01'.repeat(8), new Watched('first'), roster)
  hub.open('02'.repeat(8), new Watched('second'), roster.toReversed())
  for (const { progress } of peers) progress()
  expect(moved).toEqual(['first/1', 'second/0'])
})
