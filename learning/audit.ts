/** Replays a run from its journal and the published sums: every signature, every link, and every global step. */

import { toHex } from '../protocol/bytes.ts'
import type { CryptoProvider } from '../protocol/crypto/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { costFault, type RoundCost, roundCost } from '../protocol/journal/budget.ts'
import type { JournalEntry, SealedEntry } from '../protocol/journal/entries.ts'
import { type Follower, type JournalKeys, verifyJournal } from '../protocol/journal/verify.ts'
import { type Plan, planHash } from '../protocol/plan.ts'
import type { PrivacyEvent } from '../protocol/privacy/event.ts'
import type { Unit } from '../protocol/privacy/mechanism.ts'
import { decode } from '../protocol/vector/encoding.ts'
import { unpackVector } from '../protocol/vector/packing.ts'
import { computationOf } from './computation.ts'

export interface AuditParts {
  readonly plan: Plan
  readonly entries: readonly SealedEntry[]
  readonly keys: Omit<JournalKeys, 'verify'>
  readonly provider: CryptoProvider
  /** A published sum by its hash in hexadecimal; `undefined` where it is not at hand. */
  readonly sum: (hash: string) => Promise<Uint8Array | undefined>
  /**
   * A published state likewise, of whoever keeps the last sums alone: rounds whose sum or state before is not at hand are
   * then passed over, and it goes on from a state that is. Where unset, every sum must be there.
   */
  readonly published?: (hash: string) => Promise<Uint8Array | undefined>
}

export interface Replayed {
  readonly ok: true
  readonly rounds: number
  /** Of them recomputed from their sums. */
  readonly recomputed: number
  readonly session: string
  /** Hash of the journal's head. */
  readonly head: string
  /** Whom the plan's mechanism hides, and what the rounds that were recomputed cost one of them. */
  readonly unit: Unit | undefined
  readonly charges: readonly PrivacyEvent[]
  /** Rounds of which the journal says what they cost; an older coordinator wrote none. */
  readonly budgets: number
  /** Hash of the last state: the model's. */
  readonly stateHash: string
  /** The result of the last state, as the run's parties have it. */
  readonly result: unknown
  readonly finished: boolean
  /** Builds of the coordinator's pages while the run went on, as it says. */
  readonly pages: readonly string[]
  /** By site: how many entries it has countersigned. */
  readonly countersigned: Follower['countersigned']
  readonly withdrawn: readonly string[]
}

export type AuditVerdict = Replayed | { readonly ok: false; readonly index: number; readonly reason: string }

type RoundEntry = Extract<JournalEntry, { readonly type: 'round' }>

export async function audit({ plan, entries, keys, provider, sum, published }: AuditParts): Promise<AuditVerdict> {
  const verdict = await verifyJournal(entries, { ...keys, verify: provider.ed25519Verify })
  if (!verdict.ok) return verdict
  const [first] = entries
  if (first?.entry.type !== 'plan') return broken(0, 'the journal is empty')
  if (first.entry.planHash !== toHex(planHash(plan))) return broken(0, 'it is the journal of another plan')
  const sites = verdict.follower.sites.size
  const { algorithm, unit, cost } = computationOf(plan, sites)
  const hashOf = async (bytes: Uint8Array): Promise<string> => toHex(await provider.sha256(bytes))
  /** `undefined` where it is not at hand. */
  let at: { readonly state: unknown } | undefined = { state: algorithm.init() }
  let stateHash = await hashOf(algorithm.encode(at.state))
  let [rounds, recomputed, lastRound] = [0, 0, 0]
  const charges: PrivacyEvent[] = []
  /** Of the last round, where it was recomputed. */
  let spent: RoundCost | undefined

  const stateAt = async (hash: string): Promise<typeof at> => {
    const bytes = await published?.(hash)
    if (bytes === undefined) return undefined
    if ((await hashOf(bytes)) !== hash)
      throw new ProtocolError('ERR_AUDIT', 'the state at hand is not the one it names')
    return { state: algorithm.decode(bytes) }
  }

  /** What the entry says the step led to, computed again. */
  const replay = async (entry: RoundEntry): Promise<string | undefined> => {
    if (entry.startHash !== stateHash) return 'it starts from another state than the one the sums lead to'
    const leftOut = entry.participants.find((name) => plan.without?.includes(name))
    if (leftOut !== undefined) return `it holds ${leftOut}, which the plan leaves out`
    at ??= await stateAt(entry.startHash)
    const request = at && algorithm.request(at.state)
    if (at !== undefined && request === undefined) return 'the computation was complete before this round'
    const bytes = await sum(entry.sumHash)
    if (bytes === undefined && published === undefined)
      return `the sum ${entry.sumHash.slice(0, 12)} is not here; a site that was in the round has it`
    stateHash = entry.stateHash
    spent = undefined
    if (at === undefined || request === undefined || bytes === undefined) {
      at = undefined
      return undefined
    }
    if ((await hashOf(bytes)) !== entry.sumHash) return 'the sum at hand is not the one it names'
    const lanes = decode(unpackVector(bytes, request), request, sites)
    at = { state: algorithm.apply(at.state, request, lanes, entry.participants.length) }
    recomputed++
    charges.push(...cost(request))
    spent = roundCost(plan, { unit, cost }, request)
    return (await hashOf(algorithm.encode(at.state))) === stateHash
      ? undefined
      : 'its state does not follow from its sum'
  }

  for (const { index, entry } of entries) {
    if (entry.type === 'round') {
      const fault = await replay(entry).catch(faultOf)
      if (fault !== undefined) return broken(index, fault)
      rounds++
      lastRound = index
    }
    if (entry.type === 'budget') {
      const fault = unit === undefined ? 'the plan hides nobody' : spent && costFault(entry, spent)
      if (fault !== undefined) return broken(index, fault)
    }
    if (entry.type === 'finish' && entry.stateHash !== stateHash) return broken(index, 'it ends with another state')
  }
  try {
    at ??= await stateAt(stateHash)
  } catch (error) {
    return broken(lastRound, faultOf(error))
  }
  if (at === undefined) return broken(lastRound, 'the state that it leads to is not here')
  const { countersigned, finished, spent: said } = verdict.follower
  const withdrawn = entries.flatMap(({ entry }) => (entry.type === 'withdrawal' ? [entry.site] : []))
  const pages = entries.flatMap(({ entry }) => (entry.type === 'pages' ? [entry.hash] : []))
  const { session } = first.entry
  return {
    ...{ ok: true, rounds, recomputed, session, head: toHex(verdict.follower.head.hash), unit, charges, stateHash },
    ...{ result: algorithm.result(at.state), finished, pages, countersigned, withdrawn, budgets: said.releases },
  }
}

const broken = (index: number, reason: string): AuditVerdict => ({ ok: false, index, reason })

/** Sums that no run of this plan can have are a fault of the journal. */
function faultOf(error: unknown): string {
  if (error instanceof InputError || error instanceof ProtocolError) return error.message
  throw error
}
