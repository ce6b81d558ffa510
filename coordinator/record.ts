/** The journal as the sites share it: every line goes out to them, and what they sign of it goes in. */

import { equalBytes, toHex } from '../protocol/bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { approvalBytes, headAfter, headBytes, withdrawalBytes } from '../protocol/journal/chain.ts'
import { encodeEntry } from '../protocol/journal/codec.ts'
import type { JournalEntry, SealedEntry } from '../protocol/journal/entries.ts'
import { consentOf } from '../protocol/plan.ts'
import type { Message } from '../protocol/wire/messages.ts'
import type { Member } from './members.ts'
import type { RunState } from './run-state.ts'

/** Lines of one frame stay well below `limits.frame`. */
const frameBytes = 1 << 18

/** The lines of a run's journal, how many of them each member was sent, and what was signed. */
export class RunRecord {
  readonly #lines: Uint8Array[] = []
  /** `heads[i]` is the journal's head when `i + 1` entries were there. */
  readonly #heads: Uint8Array[] = []
  readonly #sent = new Map<number, number>()
  readonly #approved = new Set<string>()
  readonly #signed = new Set<string>()
  /** Entries up to the run's last, countersignatures apart. */
  #whole = Number.POSITIVE_INFINITY
  readonly #refused = new Map<string, string>()
  readonly withdrawn = new Set<string>()
  /** The last build of the pages that was named. */
  pages: string | undefined

  constructor(entries: readonly SealedEntry[]) {
    for (const entry of entries) this.add(entry)
  }

  add(sealed: SealedEntry): void {
    const { entry } = sealed
    this.#lines.push(encodeEntry(sealed))
    this.#heads.push(headAfter(sealed).hash)
    if (entry.type === 'approval') this.#approved.add(entry.site)
    if (entry.type === 'refusal') this.#refused.set(entry.site, entry.code)
    if (entry.type === 'countersignature') this.#signed.add(entry.site)
    if (entry.type === 'finish') this.#whole = sealed.index + 1
    if (entry.type === 'pages') this.pages = entry.hash
    if (entry.type === 'withdrawal') this.withdrawn.add(entry.site)
  }

  isHead(index: number, head: Uint8Array): boolean {
    return index > 0 && index <= this.#heads.length && equalBytes(this.#heads[index - 1], head)
  }

  /** Whether a journal of so many entries has the run's end in it. */
  isWhole(index: number): boolean {
    return index >= this.#whole
  }

  /** Whether the site has countersigned before: one that keeps no journal never does. */
  hasSigned(site: string): boolean {
    return this.#signed.has(site)
  }

  hasApproved(site: string): boolean {
    return this.#approved.has(site)
  }

  /** Whether the last thing said of this site is that it declined for this reason. */
  hasRefused(site: string, code: string): boolean {
    return this.#refused.get(site) === code
  }

  /** A member that has come anew is told everything again: it checks that it is the same. */
  forget(index: number): void {
    this.#sent.set(index, 0)
  }

  /** The frames a member lacks. */
  *frames(index: number): Generator<Message> {
    let from = this.#sent.get(index) ?? 0
    while (from < this.#lines.length) {
      let to = from
      for (let bytes = 0; to < this.#lines.length && (to === from || bytes + this.#lines[to].length < frameBytes); to++)
        bytes += this.#lines[to].length
      yield { type: 'record', from, lines: this.#lines.slice(from, to) }
      from = to
    }
    this.#sent.set(index, from)
  }
}

/** Sends every member of the run the lines it lacks. */
export function share<State, Site>(run: RunState<State, Site>): void {
  for (const { index } of run.members.connected) {
    if (run.keys.has(index)) for (const frame of run.record.frames(index)) run.members.send(index, frame)
  }
}

/** A site agrees to the plan and its study's terms, once a run. @throws ProtocolError ERR_SIGNATURE */
export async function takeConsent<State, Site>(
  run: RunState<State, Site>,
  member: Member,
  signature: Uint8Array,
): Promise<void> {
  const terms = consentOf(run.plan)
  await checkSite(run, member, { bytes: approvalBytes(terms), signature })
  if (!run.record.hasApproved(member.name))
    await run.journal({ type: 'approval', site: member.name, ...terms, signature: toHex(signature) })
}

/** A site signs the journal up to an entry. @throws ProtocolError ERR_FORK where it signs another journal, ERR_SIGNATURE */
export async function takeCountersignature<State, Site>(
  run: RunState<State, Site>,
  member: Member,
  { index, head, signature }: Extract<Message, { readonly type: 'countersign' }>,
): Promise<void> {
  if (!run.record.isHead(index, head))
    throw new ProtocolError('ERR_FORK', `${member.name} signed another journal of ${index} entries`, member.name)
  await checkSite(run, member, { bytes: headBytes({ index, hash: head }), signature })
  const entry: JournalEntry = {
    type: 'countersignature',
    site: member.name,
    index,
    head: toHex(head),
    signature: toHex(signature),
  }
  await run.journal(entry)
}

/** A site leaves for good: what it has agreed to is over, and it is not asked again. @throws ProtocolError ERR_SIGNATURE */
export async function takeWithdrawal<State, Site>(
  run: RunState<State, Site>,
  member: Member,
  { reason, signature }: Extract<Message, { readonly type: 'withdraw' }>,
): Promise<void> {
  const session = toHex(run.adder.session.id)
  await checkSite(run, member, { bytes: withdrawalBytes({ session, reason }), signature })
  if (run.record.withdrawn.has(member.name)) return
  await run.journal({ type: 'withdrawal', site: member.name, session, reason, signature: toHex(signature) })
  run.report({ type: 'left', site: member.name, code: 'ERR_WITHDRAWN', reason })
}

async function checkSite<State, Site>(
  run: RunState<State, Site>,
  { index, name }: Member,
  { bytes, signature }: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
): Promise<void> {
  if (await run.provider.ed25519Verify(run.roster[index].identity, bytes, signature)) return
  throw new ProtocolError('ERR_SIGNATURE', `${name} signed something else`, name)
}
