/** What the observer's page shows, and what a person can do on it. */

import type { PhaseEvent, Role, Roster, RunSummary, ShownEvent, SiteStanding } from './answers.ts'
import type { JournalView } from './journal.ts'
import type { ToldRound } from './rounds.ts'

export interface Fault {
  readonly code: string
  readonly reason: string
}

/** The run that is looked at. */
export interface RunView {
  readonly id: string
  readonly rounds: readonly ToldRound[]
  /** Of the round that is under way. */
  readonly phases: readonly PhaseEvent[]
  /** The last thing that was told and is no round. */
  readonly now: ShownEvent | undefined
  readonly journal: JournalView | undefined
}

export interface ObserverState {
  readonly phase: 'signed-out' | 'signing-in' | 'signed-in'
  readonly role: Role | undefined
  /** `undefined` until the coordinator has told them. */
  readonly runs: readonly RunSummary[] | undefined
  readonly run: RunView | undefined
  /** Those of the run that is open, or of the roster. */
  readonly sites: readonly SiteStanding[]
  /** For operators, where sites enrol by invitation. */
  readonly roster: Roster | undefined
  /** The coordinator did not answer; it is asked again. */
  readonly offline: boolean
  readonly fault: Fault | undefined
}

export const firstState: ObserverState = {
  phase: 'signed-out',
  role: undefined,
  runs: undefined,
  run: undefined,
  sites: [],
  roster: undefined,
  offline: false,
  fault: undefined,
}

export type Change = 'pause' | 'resume' | 'stop'

export type Act =
  | { readonly type: 'sign-in'; readonly token: string }
  | { readonly type: 'sign-out' }
  | { readonly type: 'open'; readonly id: string | undefined }
  | { readonly type: 'change'; readonly id: string; readonly change: Change }
  | { readonly type: 'approve'; readonly site: string; readonly words: string }
  | { readonly type: 'refuse'; readonly site: string; readonly reason: string }
