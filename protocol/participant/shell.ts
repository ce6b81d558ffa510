/** What a participant asks of the shell around it, and what it tells it. */

import type { Algorithm, SumRequest } from '../algorithm.ts'
import type { CryptoProvider, RingVector } from '../crypto/provider.ts'
import type { SealedEntry } from '../journal/entries.ts'
import type { Moment } from '../moment.ts'
import type { Plan } from '../plan.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import type { Charge, PlannedRun } from '../privacy/ledger.ts'
import type { Unit } from '../privacy/mechanism.ts'
import type { Random } from '../random.ts'
import type { Mode } from '../secagg/formation.ts'
import type { AnswerLog } from '../secagg/record.ts'
import type { Identity } from '../wire/handshake.ts'
import type { RosterEntry } from '../wire/messages.ts'
import type { Desk } from './approval.ts'
import type { Policy } from './policy.ts'
import type { Receipt } from './receipt.ts'

/** What the site's shell lends the participant. */
export interface SiteShell<State, Site> {
  readonly name: string
  readonly identity: Identity
  /** The coordinator's pinned key, and the pinned roster in the order of its keys. */
  readonly coordinator: Uint8Array
  readonly roster: readonly RosterEntry[]
  readonly provider: CryptoProvider
  readonly random: Random
  readonly now: () => Moment
  readonly log: AnswerLog
  /** The policy as it stands now: asked for each plan and each round. @throws InputError where there is none to read. */
  readonly policy: () => Promise<Policy>
  /** Where plans lie that a person has to look at; unset where nobody is behind the site, in a simulation. */
  readonly desk: Desk | undefined
  /** @throws InputError where it is no plan this site understands. */
  readonly parse: (planText: Uint8Array) => Plan
  /** @throws InputError where the parts of the plan do not fit together. */
  readonly compute: (plan: Plan) => Computed<State, Site>
  /** Opens the data for a plan that the policy allows, and checks them. @throws InputError when they do not fit. */
  readonly open: (plan: Plan) => Promise<Records<Site>>
  /** Runs long work, calling `beat` now and then, so that the coordinator knows this site is alive. */
  readonly during: <T>(work: Promise<T>, beat: () => void) => Promise<T>
  /** Whether the site's ledger has room for a whole run, beside what other runs have cost. @throws SiteRefusal */
  readonly affords?: (run: PlannedRun) => Promise<void>
  /** Enters what a contribution costs into the site's ledger, durably, before it leaves. @throws SiteRefusal */
  readonly charge: (charge: Charge) => Promise<void>
  /** The site's copy of journals and sums; unset where nobody will ask for them, in a simulation. */
  readonly book?: RecordBook
  /** Why this site has left the study of a run for good, where it has. */
  readonly withdrawn?: (session: string) => Promise<string | undefined>
  /** Kept durably before the contribution leaves. */
  readonly keepReceipt: (receipt: Receipt) => Promise<void>
  readonly report: (event: SiteEvent) => void
}

/** What a site keeps of a run, so that it can replay it without asking the coordinator. Durable when a call returns. */
export interface RecordBook {
  /** The entries kept so far of a run; a new one is begun with its plan. */
  open(session: string, plan: Plan): Promise<readonly SealedEntry[]>
  append(session: string, entries: readonly SealedEntry[]): Promise<void>
  /** A published sum, by its SHA-256 in hexadecimal; unset where there is no place for them, and a replay needs another's. */
  keepSum?(session: string, hash: string, bytes: Uint8Array): Promise<void>
}

/** The computation of a plan, before any record is read. */
export interface Computed<State, Site> {
  readonly plan: Plan
  readonly algorithm: Algorithm<State, Site>
  /** Whom the plan's mechanism hides; `undefined` where it hides nobody. */
  readonly unit: Unit | undefined
  /** What answering a request costs one of them. */
  readonly cost: (request: SumRequest) => readonly PrivacyEvent[]
  /** What the whole plan costs one of them, each round tried once. */
  readonly whole: readonly PrivacyEvent[]
  /** The plan's noise share, in place on the encoded vector. */
  readonly noiseShare: (vector: RingVector, request: SumRequest, random: Random) => void
}

export interface Records<Site> {
  readonly site: Site
  /** Of this site. */
  readonly rows: number
}

export interface Opened<State, Site> extends Computed<State, Site>, Records<Site> {}

export type SiteEvent =
  | {
      readonly type: 'joined'
      readonly session: string
      readonly plan: string
      readonly mode: Mode
      /** Fewest honest contributions in any sum that can be opened. */
      readonly honest: number
    }
  | { readonly type: 'declined'; readonly code: string; readonly reason: string }
  | { readonly type: 'contributing'; readonly round: number; readonly purpose: string }
  | { readonly type: 'contributed'; readonly round: number; readonly bytes: number }
  | { readonly type: 'refused'; readonly code: string; readonly reason: string }
  | {
      readonly type: 'committed'
      readonly round: number
      readonly sites: number
      readonly metrics: Readonly<Record<string, number>>
    }
  /** The journal names the build of the pages that the coordinator serves. */
  | { readonly type: 'pages'; readonly hash: string }
  | { readonly type: 'countersigned'; readonly entries: number }
  | { readonly type: 'withdrawn'; readonly plan: string; readonly reason: string }
  | {
      readonly type: 'finished'
      readonly session: string
      readonly code: string
      readonly reason: string
      readonly result: unknown
    }
