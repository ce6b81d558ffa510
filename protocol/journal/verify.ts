/** Checks a journal: the chain, every signature, and that each entry may follow those before it. */

import { equalBytes, fromHex, toHex } from '../bytes.ts'
import { unreachable } from '../errors.ts'
import { nothingSpent, type Spent, spentAfter, sumFault } from './budget.ts'
import { approvalBytes, emptyHead, type Head, headAfter, headBytes, signedBytes, withdrawalBytes } from './chain.ts'
import type { JournalEntry, SealedEntry } from './entries.ts'

export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>

export interface JournalKeys {
  /** The coordinator's pinned Ed25519 key. */
  readonly coordinator: Uint8Array
  /** The pinned roster, where the reader has one; the journal's must be the same. */
  readonly roster?: readonly { readonly name: string; readonly identity: Uint8Array }[]
  /** Heads the reader has countersigned: a journal that lost or changed what was before them is refused. */
  readonly seen?: readonly Pick<Head, 'index' | 'hash'>[]
  readonly verify: Verify
}

export type Verdict =
  | { readonly ok: true; readonly follower: Follower }
  | { readonly ok: false; readonly index: number; readonly reason: string }

/** What a reader knows after some entries. */
export interface Follower {
  readonly head: Head
  /** Identity by site name, from the roster entry. */
  readonly sites: ReadonlyMap<string, Uint8Array>
  /** Hashes of the entries: `hashes[i]` is the head when `i + 1` entries were there. Shared and only ever extended. */
  readonly hashes: Uint8Array[]
  readonly session: string | undefined
  readonly stateHash: string | undefined
  /** The build of the pages that the coordinator says it serves; journals that began before it said so have none. */
  readonly pages: string | undefined
  readonly finished: boolean
  /** Attempts that were committed. */
  readonly rounds: number
  readonly lastRound: number
  /** What they have cost, as far as the journal says it; journals that began before it said so, and those of plans without noise, have none. */
  readonly spent: Spent
  /** By site: how many entries its last countersignature covers. */
  readonly countersigned: ReadonlyMap<string, number>
}

export const newFollower = (): Follower => ({
  head: emptyHead,
  sites: new Map(),
  hashes: [],
  session: undefined,
  stateHash: undefined,
  pages: undefined,
  finished: false,
  rounds: 0,
  lastRound: 0,
  spent: nothingSpent,
  countersigned: new Map(),
})

/** The whole journal, or the first entry that does not hold and why. */
export async function verifyJournal(entries: readonly SealedEntry[], keys: JournalKeys): Promise<Verdict> {
  let follower = newFollower()
  for (const sealed of entries) {
    const verdict = await follow(follower, sealed, keys)
    if (!verdict.ok) return verdict
    follower = verdict.follower
  }
  for (const { index, hash } of keys.seen ?? []) {
    if (index > entries.length)
      return broken(entries.length, `the journal has ended before: this party has countersigned ${index} entries`)
    if (index > 0 && !equalBytes(follower.hashes[index - 1], hash))
      return broken(index - 1, 'this party has countersigned another journal up to here')
  }
  return { ok: true, follower }
}

/** One more entry, as a site checks it while the run goes on. */
export async function follow(follower: Follower, sealed: SealedEntry, keys: JournalKeys): Promise<Verdict> {
  const { head } = follower
  const { index } = sealed
  if (index !== head.index) return broken(head.index, `expected entry ${head.index}, found ${index}`)
  if (sealed.previous !== toHex(head.hash)) return broken(index, 'it does not follow from the entry before')
  if (sealed.at < head.at) return broken(index, 'it is dated before the entry before')
  const next = headAfter(sealed)
  if (!(await keys.verify(keys.coordinator, signedBytes(next.hash), fromHex(sealed.signature))))
    return broken(index, "it does not carry the coordinator's signature")
  const reason = faultOf(follower, sealed.entry, keys) ?? (await signatureFault(follower, sealed.entry, keys.verify))
  if (reason !== undefined) return broken(index, reason)
  return {
    ok: true,
    follower: { ...take(follower, sealed.entry), head: next, hashes: extend(follower.hashes, index, next.hash) },
  }
}

/** In place where nobody has gone on from here yet, so that following a long journal stays linear. */
function extend(hashes: Uint8Array[], index: number, hash: Uint8Array): Uint8Array[] {
  if (hashes.length > index) return [...hashes.slice(0, index), hash]
  hashes.push(hash)
  return hashes
}

const broken = (index: number, reason: string): Verdict => ({ ok: false, index, reason })

/** Why an entry may not stand here, signatures apart. */
function faultOf(follower: Follower, entry: JournalEntry, keys: JournalKeys): string | undefined {
  const expected = ['plan', 'roster'][follower.head.index]
  if (expected !== undefined && entry.type !== expected)
    return `expected the ${expected} as entry ${follower.head.index}, found ${entry.type}`
  if (follower.finished && entry.type !== 'countersignature') return 'the run was finished before'
  switch (entry.type) {
    case 'plan':
      if (follower.head.index !== 0) return 'a run has one plan'
      return entry.coordinator === toHex(keys.coordinator) ? undefined : 'it names another coordinator'
    case 'roster':
      return follower.head.index === 1 ? rosterFault(entry, keys) : 'a run has one roster'
    case 'round-start':
      return stateFault(follower, entry.startHash)
    case 'survivors':
      return entry.sites.map((name) => unknownSite(follower, name)).find((fault) => fault !== undefined)
    case 'round':
      return roundFault(follower, entry)
    case 'finish':
      return stateFault(follower, entry.stateHash) ?? unchargedFault(follower)
    case 'approval':
    case 'refusal':
    case 'culprit':
      return unknownSite(follower, entry.site)
    case 'withdrawal':
      if (entry.session !== follower.session) return 'the withdrawal is from another run'
      return unknownSite(follower, entry.site)
    case 'countersignature': {
      if (entry.index > follower.head.index || entry.index === 0)
        return `no journal of ${entry.index} entries was there`
      const hash = toHex(follower.hashes[entry.index - 1])
      return entry.head === hash ? unknownSite(follower, entry.site) : 'the countersigned head is of another journal'
    }
    case 'budget':
      return budgetFault(follower, entry)
    case 'abort':
    case 'pages':
      return undefined
    default:
      return unreachable(entry)
  }
}

function rosterFault(
  { sites }: Extract<JournalEntry, { type: 'roster' }>,
  { roster }: JournalKeys,
): string | undefined {
  if (new Set(sites.map(({ name }) => name)).size < sites.length) return 'it names a site twice'
  if (roster === undefined) return undefined
  const same = (i: number): boolean =>
    sites[i].name === roster[i].name && sites[i].identity === toHex(roster[i].identity)
  return sites.length === roster.length && sites.every((_, i) => same(i)) ? undefined : 'it is not the pinned roster'
}

function roundFault(follower: Follower, entry: Extract<JournalEntry, { type: 'round' }>): string | undefined {
  const named = [...entry.participants, ...entry.absent.map(({ site }) => site)]
  if (new Set(named).size < named.length) return 'it names a site twice'
  const unknown = named.map((name) => unknownSite(follower, name)).find((fault) => fault !== undefined)
  return unknown ?? stateFault(follower, entry.startHash) ?? unchargedFault(follower)
}

/** From the first budget entry on each round has its own, before the next round or the end. */
const unchargedFault = ({ rounds, spent }: Follower): string | undefined =>
  spent.releases === 0 || spent.releases === rounds ? undefined : 'the round before has no budget entry'

function budgetFault(
  { rounds, lastRound, spent }: Follower,
  entry: Extract<JournalEntry, { type: 'budget' }>,
): string | undefined {
  if (entry.attempt !== lastRound || rounds !== spent.releases + 1) return 'it is not of the round just before'
  return sumFault(spent, entry)
}

const stateFault = ({ stateHash }: Follower, found: string): string | undefined =>
  stateHash === undefined || found === stateHash ? undefined : 'it does not go on from the state of the round before'

const unknownSite = ({ sites }: Follower, name: string): string | undefined =>
  sites.has(name) ? undefined : `the roster has no site "${name}"`

/** Why the site's own signature inside an entry does not hold. */
async function signatureFault(follower: Follower, entry: JournalEntry, verify: Verify): Promise<string | undefined> {
  const message = siteMessage(entry)
  if (message === undefined) return undefined
  const key = follower.sites.get(message.site)
  const holds = key !== undefined && (await verify(key, message.bytes, fromHex(message.signature)))
  return holds ? undefined : `it does not carry the signature of ${message.site}`
}

interface SiteMessage {
  readonly site: string
  readonly bytes: Uint8Array
  readonly signature: string
}

function siteMessage(entry: JournalEntry): SiteMessage | undefined {
  if (entry.type === 'approval') return { ...entry, bytes: approvalBytes(entry) }
  if (entry.type === 'withdrawal') return { ...entry, bytes: withdrawalBytes(entry) }
  if (entry.type !== 'countersignature') return undefined
  return { ...entry, bytes: headBytes({ index: entry.index, hash: fromHex(entry.head) }) }
}

function take(follower: Follower, entry: JournalEntry): Follower {
  if (entry.type === 'plan') return { ...follower, session: entry.session }
  if (entry.type === 'roster')
    return { ...follower, sites: new Map(entry.sites.map(({ name, identity }) => [name, fromHex(identity)])) }
  if (entry.type === 'round')
    return { ...follower, stateHash: entry.stateHash, rounds: follower.rounds + 1, lastRound: entry.attempt }
  if (entry.type === 'budget') return { ...follower, spent: spentAfter(follower.spent, entry.events) }
  if (entry.type === 'pages') return { ...follower, pages: entry.hash }
  if (entry.type === 'finish') return { ...follower, finished: true }
  if (entry.type !== 'countersignature') return follower
  return { ...follower, countersigned: new Map(follower.countersigned).set(entry.site, entry.index) }
}
