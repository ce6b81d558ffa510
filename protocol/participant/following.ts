/** A site follows the run's journal: every entry is checked as it comes, and the head of what held is signed. */

import { equalBytes, fromHex, toHex } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { type BudgetEntry, costFault, type RoundCost } from '../journal/budget.ts'
import { approvalBytes, headAfter, headBytes, withdrawalBytes } from '../journal/chain.ts'
import { decodeEntry } from '../journal/codec.ts'
import type { JournalEntry, SealedEntry } from '../journal/entries.ts'
import { type Follower, follow, newFollower, verifyJournal } from '../journal/verify.ts'
import { consentOf, type Plan } from '../plan.ts'
import type { SiteLink } from '../wire/channel.ts'
import { limits } from '../wire/limits.ts'
import { encodeMessage, type Message } from '../wire/messages.ts'
import type { Membership } from './joining.ts'
import type { SiteShell } from './shell.ts'

type RoundEntry = Extract<JournalEntry, { readonly type: 'round' }>
type Record = Extract<Message, { readonly type: 'record' }>

/** What this site knows of the run's journal. */
export interface Following {
  follower: Follower
  /** Hashes of sum and state by attempt, as this site has recomputed them. */
  readonly recomputed: Map<number, { readonly sumHash: string; readonly stateHash: string }>
  /** What rounds that it recomputed have cost by the plan, by attempt; of others only an audit can say it. */
  readonly costs: Map<number, RoundCost>
}

/** Goes on from what the site has kept. @throws ProtocolError ERR_JOURNAL where its own copy does not hold. */
export async function openFollowing<State, Site>(
  shell: SiteShell<State, Site>,
  session: string,
  plan: Plan,
): Promise<Following> {
  const entries = (await shell.book?.open(session, plan)) ?? []
  const verdict = await verifyJournal(entries, keysOf(shell))
  if (!verdict.ok)
    throw new ProtocolError('ERR_JOURNAL', `this site's copy of the journal: entry ${verdict.index}: ${verdict.reason}`)
  tellPages(shell, verdict.follower)
  return { follower: entries.length === 0 ? newFollower() : verdict.follower, recomputed: new Map(), costs: new Map() }
}

/** @throws ProtocolError ERR_JOURNAL, ERR_FORK: the coordinator tells this site another story than it did, or than it saw. */
export async function takeRecord<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: { readonly membership: Membership<State, Site>; readonly message: Record },
): Promise<void> {
  if (shell.book === undefined) return
  const { following, party } = membership
  const session = toHex(party.session.id)
  const fresh: SealedEntry[] = []
  // What is followed is what is kept: a link that ends in the middle leaves both as they were.
  let { follower } = following
  for (const [i, line] of message.lines.entries()) {
    const sealed = decodeEntry(line)
    if (message.from + i < follower.head.index) refuseFork(follower, sealed, message.from + i)
    else {
      const verdict = await follow(follower, sealed, keysOf(shell))
      if (!verdict.ok) throw broken(verdict.index, verdict.reason)
      if (sealed.entry.type === 'round' && !isOwnStory(following, sealed.index, sealed.entry))
        await fetchSum(shell, link, { session, sumHash: sealed.entry.sumHash })
      if (sealed.entry.type === 'budget') checkCost(membership, sealed.index, sealed.entry)
      follower = verdict.follower
      fresh.push(sealed)
    }
  }
  if (follower.session !== undefined && follower.session !== session)
    throw broken(0, 'it is the journal of another run')
  await shell.book.append(session, fresh)
  following.follower = follower
  if (fresh.some(({ entry }) => entry.type === 'pages')) tellPages(shell, follower)
  if (!fresh.some(({ entry }) => entry.type === 'round' || entry.type === 'finish')) return
  const { index, hash } = follower.head
  const signature = await shell.identity.sign(headBytes({ index, hash }))
  link.send(encodeMessage({ type: 'countersign', index, head: hash, signature }))
  shell.report({ type: 'countersigned', entries: index })
}

/** What a site signs when it joins: this plan, these terms, until then. */
export const consent = <State, Site>(shell: SiteShell<State, Site>, plan: Plan): Promise<Uint8Array> =>
  shell.identity.sign(approvalBytes(consentOf(plan)))

/** Tells the coordinator, with the site's signature, that it leaves for good. */
export async function sayWithdrawn<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { plan, session, reason }: { readonly plan: Plan; readonly session: string; readonly reason: string },
): Promise<void> {
  const signature = await shell.identity.sign(withdrawalBytes({ session, reason }))
  link.send(encodeMessage({ type: 'withdraw', reason, signature }))
  shell.report({ type: 'withdrawn', plan: plan.name, reason })
}

const keysOf = <State, Site>({ coordinator, roster, provider }: SiteShell<State, Site>) => ({
  coordinator,
  roster,
  verify: provider.ed25519Verify,
})

function tellPages<State, Site>(shell: SiteShell<State, Site>, { pages }: Follower): void {
  if (pages !== undefined) shell.report({ type: 'pages', hash: pages })
}

function refuseFork({ hashes }: Follower, sealed: SealedEntry, index: number): void {
  if (equalBytes(headAfter(sealed).hash, hashes[index])) return
  throw new ProtocolError(
    'ERR_FORK',
    `entry ${index} of the journal is another than this site was told before`,
    'coordinator',
  )
}

/** Whether the round is one this site has recomputed. @throws ProtocolError ERR_JOURNAL where it was told otherwise then. */
function isOwnStory({ recomputed }: Following, index: number, entry: RoundEntry): boolean {
  const own = recomputed.get(entry.attempt)
  if (own === undefined) return false
  recomputed.delete(entry.attempt)
  if (own.sumHash === entry.sumHash && own.stateHash === entry.stateHash) return true
  throw broken(index, 'it names another sum or state than this site was sent')
}

/** @throws ProtocolError ERR_JOURNAL where the coordinator names another cost than the plan has. */
function checkCost<State, Site>(
  { unit, following: { costs } }: Membership<State, Site>,
  index: number,
  entry: BudgetEntry,
): void {
  if (unit === undefined) throw broken(index, 'it says what the plan costs, and the plan hides nobody')
  const expected = costs.get(entry.attempt)
  costs.delete(entry.attempt)
  const fault = expected && costFault(entry, expected)
  if (fault !== undefined) throw broken(index, fault)
}

/** Of a round this site was away from, so that its copy of the run can be replayed. What is gone, an audit will say. */
async function fetchSum<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { session, sumHash }: { readonly session: string; readonly sumHash: string },
): Promise<void> {
  if (shell.book?.keepSum === undefined) return
  try {
    await shell.book.keepSum(session, sumHash, await link.download(fromHex(sumHash), limits.blob))
  } catch (error) {
    if (!(error instanceof ProtocolError && error.code === 'ERR_BLOB')) throw error
  }
}

const broken = (index: number, reason: string): ProtocolError =>
  new ProtocolError('ERR_JOURNAL', `entry ${index} of the journal: ${reason}`, 'coordinator')
