/** Runs of the deployed coordinator and participants on one small sum a round, with whatever a test does to links and processes. */

import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import type { RunEvent } from '../../coordinator/events.ts'
import { Members } from '../../coordinator/members.ts'
import type { StragglerRule } from '../../coordinator/pace.ts'
import { type RunResult, runPlan } from '../../coordinator/run.ts'
import type { Algorithm, SumRequest } from '../../protocol/algorithm.ts'
import { compareBytes, Reader, Writer } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { Protection } from '../../protocol/journal/budget.ts'
import { append, emptyHead } from '../../protocol/journal/chain.ts'
import type { JournalEntry, SealedEntry } from '../../protocol/journal/entries.ts'
import { createParticipant, type Participant } from '../../protocol/participant/participant.ts'
import { noPolicy } from '../../protocol/participant/policy.ts'
import type { RecordBook, SiteEvent } from '../../protocol/participant/shell.ts'
import { type Plan, parsePlan } from '../../protocol/plan.ts'
import type { PrivacyEvent } from '../../protocol/privacy/event.ts'
import type { Charge, PlannedRun } from '../../protocol/privacy/ledger.ts'
import type { SumRules } from '../../protocol/secagg/formation.ts'
import type { SiteLink } from '../../protocol/wire/channel.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import { memoryBlobs, memoryLink } from '../../protocol/wire/memory-channel.ts'
import { memoryLog, testRandom } from './secure-round.ts'

/** Sums that were committed, in order. */
export interface Sums {
  readonly rounds: readonly { readonly sum: readonly number[]; readonly survivors: number }[]
}

export const valuesOf = (index: number, round: number): number[] => [index + 1, 1000 * (index + 1) + round]

/** Each round sums two whole numbers a site; the state is the list of all sums. */
export function summing(rounds: number): Algorithm<Sums, number> {
  return {
    init: () => ({ rounds: [] }),
    request: (state) => (state.rounds.length < rounds ? request : undefined),
    contribute: async (_state, _request, site, round) => ({ v: Float64Array.from(valuesOf(site, round)) }),
    apply: (state, _request, { v }, survivors) => ({ rounds: [...state.rounds, { sum: [...v], survivors }] }),
    encode: (state) =>
      new Writer()
        .list(state.rounds, ({ sum, survivors }, to) => to.uint32(survivors).list(sum, (value, w) => w.uint64(value)))
        .finish(),
    decode: (bytes) => {
      const from = new Reader(bytes)
      const read = (r: Reader) => ({
        survivors: r.uint32('survivors'),
        sum: r.list('sum', { max: 2 }, (w) => w.uint64('value')),
      })
      const state = { rounds: from.list('rounds', { max: 1000 }, read) }
      from.end()
      return state
    },
    metrics: () => ({}),
    result: (state) => state,
  }
}

const request: SumRequest = {
  purpose: 'two numbers',
  bits: 32,
  lanes: [{ name: 'v', length: 2, bound: 1_000_000, kind: 'integer' }],
}

export interface SumRunOptions {
  readonly sites: number
  readonly rounds?: number
  readonly rules?: SumRules
  readonly providerOf?: (index: number) => CryptoProvider
  /** What a site's link is wrapped in; `again` is what a lost link or a process that was killed leads to. */
  readonly shape?: (link: SiteLink, site: SiteHandle) => SiteLink
  /** Sites that never come. */
  readonly away?: readonly number[]
  /** The participant as deployed, or out of a copy of its source. */
  readonly participant?: typeof createParticipant
  /** The ledger of a site. @throws SiteRefusal */
  readonly charge?: (index: number, charge: Charge) => Promise<void>
  /** Milliseconds of the run's own clock, which goes a hundred times as fast. */
  readonly assembly?: number
  /** In milliseconds of that clock too. */
  readonly stragglers?: StragglerRule
  /** A site is at work on its part of a round until this settles. */
  readonly work?: (index: number, round: number) => Promise<void>
  /** The build of the pages that are served. */
  readonly pages?: string
  /** Whom the plan hides, and what a round costs. */
  readonly protection?: Required<Protection>
  /** A site's copy of the journal; unset keeps one where `written` is set. */
  readonly book?: (index: number) => RecordBook
  readonly whole?: readonly PrivacyEvent[]
  readonly affords?: (index: number, run: PlannedRun) => Promise<void>
  /** What the coordinator writes instead of an entry; the sites follow its journal where this is set. */
  readonly written?: (entry: JournalEntry) => JournalEntry
  readonly onEvent?: (event: RunEvent) => void
  readonly onSiteEvent?: (event: SiteEvent & { readonly site: number }) => void
}

export interface SiteHandle {
  readonly index: number
  /** The link ends; the same process connects anew. */
  readonly cut: () => void
  /** The process ends; a new one, with the same disk, connects. */
  readonly kill: () => void
}

export interface SumRun {
  readonly result: RunResult<Sums>
  readonly entries: readonly JournalEntry[]
  readonly events: readonly RunEvent[]
  readonly siteEvents: readonly (SiteEvent & { readonly site: number })[]
  /** Why links of sites ended, where the coordinator ended them. */
  readonly turnedAway: readonly { readonly site: number; readonly code: string }[]
  readonly roster: readonly string[]
}

const speed = 100

export async function runSums(options: SumRunOptions): Promise<SumRun> {
  const { unit, cost } = options.protection ?? { unit: undefined, cost: () => [] }
  const { sites, rounds = 1, rules = {}, away = [], assembly, stragglers } = options
  const identities = await Promise.all(Array.from({ length: sites + 1 }, (_, i) => identityOf(`sum run ${i}`)))
  const [coordinator, ...own] = identities
  own.sort((a, b) => compareBytes(a.publicKey, b.publicKey))
  const roster = own.map(({ publicKey }, i) => ({ name: `site-${i}`, identity: publicKey }))
  const began = performance.now()
  const clock = {
    now: () => Math.floor((performance.now() - began) * speed),
    wait: (milliseconds: number, signal: AbortSignal) =>
      delay(milliseconds / speed, undefined, { signal }).catch(() => {}),
  }
  const members = new Members({ clock, patience: 1_000_000, stragglers })
  const blobs = memoryBlobs()
  const plan = planFor(rules, rounds)
  const summed = summing(rounds)
  const algorithm: typeof summed = {
    ...summed,
    contribute: async (state, asked, site, round) => {
      await options.work?.(site, round)
      return summed.contribute(state, asked, site, round)
    },
  }
  const entries: JournalEntry[] = []
  const events: RunEvent[] = []
  const siteEvents: (SiteEvent & { readonly site: number })[] = []
  const turnedAway: { site: number; code: string }[] = []
  let over = false

  const start = (index: number): void => {
    const log = memoryLog()
    let lives = 0
    const live = (): Participant =>
      (options.participant ?? createParticipant)<Sums, number>({
        ...{ name: roster[index].name, identity: own[index], coordinator: coordinator.publicKey, roster, log },
        provider: options.providerOf?.(index) ?? nodeProvider,
        random: testRandom(`secrets ${index} of life ${lives++}`),
        ...{ now: () => ({ instant: clock.now(), zone: 0 }), policy: async () => noPolicy, desk: undefined },
        parse: () => plan,
        compute: () => ({ plan, algorithm, noiseShare: () => {}, unit, cost, whole: options.whole ?? [] }),
        open: async () => ({ site: index, rows: 1 }),
        during: (work) => work,
        affords: async (planned) => options.affords?.(index, planned),
        charge: async (charge) => options.charge?.(index, charge),
        keepReceipt: async () => {},
        ...(options.written !== undefined && { book: memoryBook() }),
        ...(options.book !== undefined && { book: options.book(index) }),
        report: (event) => {
          siteEvents.push({ ...event, site: index })
          options.onSiteEvent?.({ ...event, site: index })
        },
      })
    void serveAgain(index, live)
  }
  const serveAgain = async (index: number, live: () => Participant): Promise<void> => {
    for (let process = live(); !over; ) {
      const link = memoryLink(blobs)
      const handle: SiteHandle = {
        index,
        cut: () => link.site.close(),
        kill: () => {
          process = live()
          link.site.close()
        },
      }
      const served = process.serve(options.shape?.(link.site, handle) ?? link.site)
      members.connect({ index, name: roster[index].name }, link.coordinator)
      try {
        if ((await served) !== undefined) return
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        turnedAway.push({ site: index, code: error.code })
      }
    }
  }
  for (const index of own.keys()) if (!away.includes(index)) start(index)
  let head = emptyHead
  const result = await runPlan({
    ...{ plan, algorithm, roster, identity: coordinator, provider: nodeProvider, clock, members, blobs, assembly },
    ...{
      unit,
      cost,
      noiseSum: () => {},
      random: testRandom('coordinator'),
      nonce: new Uint8Array(32).fill(4),
      from: undefined,
      ...(options.pages !== undefined && { pages: options.pages }),
    },
    journal: async (told) => {
      const entry = options.written?.(told) ?? told
      entries.push(entry)
      const appended = await append(head, entry, { at: clock.now(), sign: coordinator.sign })
      head = appended.head
      return appended
    },
    report: (event) => {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  over = true
  return { result, entries, events, siteEvents, turnedAway, roster: roster.map(({ name }) => name) }
}

/** A site's copy of the journal, for as long as its process lives. */
function memoryBook(): RecordBook {
  const kept: SealedEntry[] = []
  return {
    open: async () => kept,
    append: async (_, entries) => {
      kept.push(...entries)
    },
    keepSum: async () => {},
  }
}

async function identityOf(label: string): Promise<Identity> {
  const seed = testRandom(label).bytes(32)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}

function planFor({ quorum = {}, encoding = {} }: SumRules, rounds: number): Plan {
  const value = {
    ...{ concordat: 1, name: 'sums', algorithm: { name: 'sums' }, rounds, quorum, encoding },
    data: { columns: [{ name: 'x', type: 'number', range: [0, 1] }] },
  }
  const options = z.strictObject({})
  return parsePlan(value, { algorithm: { sums: options }, model: {}, mechanism: { none: options } })
}

/** What the journal says was committed must be what its participants had to say, round by round. */
export function wrongRounds({ result, entries, roster }: SumRun): string[] {
  const committed = entries.filter((entry) => entry.type === 'round')
  return committed.flatMap(({ participants }, round) => {
    const expected = participants.reduce<number[]>(
      (sum, name) => sum.map((value, k) => value + valuesOf(roster.indexOf(name), round)[k]),
      [0, 0],
    )
    const { sum, survivors } = result.state.rounds[round]
    const right = survivors === participants.length && sum.every((value, k) => value === expected[k])
    return right ? [] : [`round ${round}: ${sum.join()} over ${survivors}, expected ${expected.join()}`]
  })
}
