/** What passes between the page and its worker: the page shows one state and asks for acts, the worker does everything. */

import type { Receipt } from '../../protocol/participant/receipt.ts'

/** A column of the chosen file as the schema check shows it. */
export interface ColumnView {
  readonly name: string
  readonly kind: 'number' | 'category'
  /** Share of rows without a value, 0 to 1. */
  readonly missing: number
  /** Heights of a small histogram, or the counts of the categories, each 0 to 1 of the largest. */
  readonly bars: readonly number[]
  readonly from: string
  readonly to: string
}

export interface FileView {
  readonly name: string
  readonly bytes: number
  readonly check:
    | { readonly state: 'waiting' }
    | { readonly state: 'reading'; readonly share: number }
    | {
        readonly state: 'fits'
        readonly rows: number
        readonly skipped: number
        readonly columns: readonly ColumnView[]
      }
    | { readonly state: 'misfit'; readonly code: string; readonly reason: string }
}

/** A plan as a person approves it. */
export interface PlanView {
  readonly name: string
  readonly description: string
  readonly hash: string
  /** In plain words: what it computes, reads, lets leave and costs. */
  readonly lines: readonly string[]
}

/** What was spent of the people behind the records. */
export interface PrivacyView {
  readonly unit: 'record' | 'patient' | 'site' | null
  /** `null` where nothing bounds it. */
  readonly epsilon: number | null
  readonly delta: number
  readonly releases: number
}

/** The rules of this site that a person sets in the page; the rest of its policy are the defaults. */
export interface Rules {
  /** Whether plans may run under which nothing bounds what the result tells of a person. */
  readonly unprotected: boolean
  /** The most that one run may cost a person. */
  readonly epsilon: number
  readonly minimumRows: number
}

export interface RoundView {
  readonly round: number
  readonly sites: number
  readonly metrics: Readonly<Record<string, number>>
}

export interface SiteView {
  readonly name: string
  readonly url: string
  /** Of the site's own key. */
  readonly words: string
  readonly sealed: boolean
  readonly roster: RosterView | undefined
  /** A newer one, which counts once a person has compared its words. */
  readonly waiting: RosterView | undefined
}

export interface RosterView {
  readonly version: number
  readonly words: string
  readonly sites: readonly string[]
}

export type Phase =
  | 'loading'
  /** The page's own code did not come as it was built. */
  | 'broken'
  /** No invitation yet. */
  | 'uninvited'
  /** An invitation was opened; nothing was sent. */
  | 'invited'
  /** The operator has to approve. */
  | 'pending'
  | 'refused'
  /** In the roster; no file chosen, or connecting. */
  | 'enrolled'
  /** A plan waits for this person's word. */
  | 'review'
  | 'running'
  | 'paused'
  | 'finished'

export interface PageState {
  readonly phase: Phase
  readonly link: 'off' | 'connecting' | 'connected'
  readonly site: SiteView | undefined
  readonly file: FileView | undefined
  /** `undefined` until a person has set them: nothing runs before. */
  readonly rules: Rules | undefined
  readonly plan: PlanView | undefined
  /** What happens now, in words. */
  readonly doing: string | undefined
  readonly rounds: readonly RoundView[]
  readonly receipts: readonly Receipt[]
  readonly privacy: PrivacyView | undefined
  /** The build of the pages that the run's journal names. */
  readonly pages: string | undefined
  /** The model file of the last run, once there is one. */
  readonly model: unknown
  /** The last predictions, as CSV text. */
  readonly predictions: string | undefined
  readonly fault: { readonly code: string; readonly reason: string } | undefined
}

export const firstState: PageState = {
  phase: 'loading',
  link: 'off',
  site: undefined,
  file: undefined,
  rules: undefined,
  plan: undefined,
  doing: undefined,
  rounds: [],
  receipts: [],
  privacy: undefined,
  pages: undefined,
  model: undefined,
  predictions: undefined,
  fault: undefined,
}

/** What a person does. */
export type Act =
  | { readonly type: 'start'; readonly link: string | undefined }
  | { readonly type: 'apply' }
  | { readonly type: 'choose'; readonly file: File; readonly remember: boolean }
  | { readonly type: 'rules'; readonly rules: Rules }
  | { readonly type: 'accept' }
  | { readonly type: 'approve' }
  | { readonly type: 'decline' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'predict'; readonly file: File }
  | { readonly type: 'forget' }
