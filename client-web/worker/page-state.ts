/**
 * What passes between the page and its worker: the page shows one state and asks for acts, the worker does everything. Nothing
 * here grows with the rows of a file or the rounds of a run: what a person keeps is a Blob, which passes as a handle.
 */

import type { Mapping } from '../../learning/data/mapping.ts'
import type { Survey } from '../../learning/data/survey.ts'
import type { Receipt } from '../../protocol/participant/receipt.ts'

/** A file, or the files of a folder by their paths in it. */
export interface Picked {
  readonly name: string
  readonly files: readonly PickedFile[]
}

export interface PickedFile {
  readonly path: string
  readonly file: File
}

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

/** What the plan asks of a column, for the form that says how a file differs. */
export interface WantedColumn {
  readonly name: string
  /** Those of the plan's dimension, the plan's first; empty where it has none. */
  readonly units: readonly string[]
  /** The plan's codes; empty where it is no category. */
  readonly codes: readonly string[]
}

export interface FileView {
  readonly name: string
  readonly bytes: number
  readonly files: number
  readonly check:
    | { readonly state: 'waiting' }
    | { readonly state: 'reading'; readonly share: number }
    | {
        readonly state: 'fits'
        readonly rows: number
        readonly skipped: number
        readonly columns: readonly ColumnView[]
      }
    | { readonly state: 'misfit'; readonly code: string; readonly reason: string; readonly survey: Survey }
  /** Once the file was held against a plan. */
  readonly mapping: MappingView | undefined
}

/** How the file differs from the plan, as a person said it. */
export interface MappingView {
  readonly value: Mapping
  /** Where a form about it begins: with what a survey suggests beside it. */
  readonly proposed: Mapping
  /** For `concordat join --mapping`; undefined where it says nothing. */
  readonly yaml: Blob | undefined
  /** What the plan asks for. */
  readonly wanted: readonly WantedColumn[]
}

/** A plan as a person approves it: what it computes, reads, lets leave and costs. */
export interface PlanView {
  readonly name: string
  readonly description: string
  readonly hash: string
  readonly algorithm: string
  readonly model: string | undefined
  readonly parameters: number
  readonly rounds: number
  readonly rows: number
  readonly columns: readonly string[]
  readonly label: string | undefined
  readonly departures: readonly {
    readonly purpose: string
    readonly numbers: readonly { readonly name: string; readonly length: number }[]
    readonly bytes: number
  }[]
  readonly cost: Omit<Cost, 'releases'> & { readonly mechanism: string }
  readonly study: { readonly expires: string; readonly terms: string; readonly intendedUse: string } | undefined
  readonly author: { readonly name: string; readonly key: string } | undefined
}

/** What releases cost the people behind the records. */
export interface Cost {
  /** Whom the noise hides; `null` where it hides nobody. */
  readonly unit: 'record' | 'patient' | 'site' | null
  /** `null` where nothing bounds it. */
  readonly epsilon: number | null
  readonly delta: number
  readonly releases: number
}

export interface PrivacyView {
  /** Of all studies together. */
  readonly total: Cost
  /** Of the run that goes on, or went last. */
  readonly run: Cost
  readonly runs: readonly (Cost & { readonly plan: string; readonly session: string; readonly last: number })[]
  /** The signed ledger. */
  readonly file: Blob | undefined
}

/** The rules of this site that a person sets in the page; the rest of its policy are the defaults. */
export interface Rules {
  /** Whether plans may run under which nothing bounds what the result tells of a person. */
  readonly unprotected: boolean
  /** The most that one run may cost a person. */
  readonly epsilon: number
  /** The most that all studies together may cost; absent for no limit. */
  readonly budget?: number | undefined
  readonly minimumRows: number
  /** Whether a model may have more numbers than a third of the rows, and so could remember single ones. */
  readonly largeModels: boolean
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

export interface ReceiptsView {
  readonly count: number
  readonly last: readonly Receipt[]
  readonly file: Blob | undefined
}

/** What a run ended with. */
export interface ResultView {
  readonly file: Blob
  /** Where it is a model that can be used on a form. */
  readonly form: FormView | undefined
}

export interface FormView {
  readonly fields: readonly FormField[]
  readonly label: string
}

export type FormField =
  | {
      readonly kind: 'number'
      readonly name: string
      readonly unit: string | undefined
      readonly range: readonly [number, number]
      readonly integer: boolean
    }
  | { readonly kind: 'category'; readonly name: string; readonly codes: readonly string[] }
  | { readonly kind: 'image'; readonly name: string }

/** What the model says of one case. */
export type Forecast =
  | { readonly kind: 'class'; readonly shares: readonly { readonly code: string; readonly share: number }[] }
  | { readonly kind: 'number'; readonly value: number; readonly unit: string | undefined }

export type Phase =
  | 'loading'
  /** The page's own code did not come as it was built. */
  | 'broken'
  /** Another tab of this browser is this site. */
  | 'elsewhere'
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
  /** This person has left the study for good, and is waiting for the coordinator to hear it. */
  | 'leaving'
  | 'left'
  | 'finished'

export interface PageState {
  readonly phase: Phase
  readonly link: 'off' | 'connecting' | 'connected'
  readonly site: SiteView | undefined
  readonly file: FileView | undefined
  /** `undefined` until a person has set them: nothing runs before. */
  readonly rules: Rules | undefined
  readonly plan: PlanView | undefined
  /** What this site computes now. */
  readonly doing: { readonly round: number; readonly purpose: string } | undefined
  /** The last of them. */
  readonly rounds: readonly RoundView[]
  readonly receipts: ReceiptsView
  readonly privacy: PrivacyView | undefined
  /** The build of the pages that the run's journal names. */
  readonly pages: string | undefined
  /** The journal of the run, as this site followed and signed it. */
  readonly journal: { readonly entries: number; readonly file: Blob } | undefined
  readonly result: ResultView | undefined
  /** The last predictions for a file, as CSV. */
  readonly predictions: { readonly rows: number; readonly file: Blob } | undefined
  readonly forecast: Forecast | undefined
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
  receipts: { count: 0, last: [], file: undefined },
  privacy: undefined,
  pages: undefined,
  journal: undefined,
  result: undefined,
  predictions: undefined,
  forecast: undefined,
  fault: undefined,
}

/** What a person does. */
export type Act =
  | { readonly type: 'start'; readonly link: string | undefined }
  | { readonly type: 'apply' }
  | { readonly type: 'choose'; readonly picked: Picked; readonly remember: boolean }
  | { readonly type: 'map'; readonly mapping: Mapping }
  | { readonly type: 'rules'; readonly rules: Rules }
  | { readonly type: 'accept' }
  | { readonly type: 'approve' }
  | { readonly type: 'decline' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'leave'; readonly reason: string }
  | { readonly type: 'predict'; readonly picked: Picked }
  /** An empty field is a missing value. */
  | { readonly type: 'forecast'; readonly values: Readonly<Record<string, string | File>> }
  | { readonly type: 'forget' }
