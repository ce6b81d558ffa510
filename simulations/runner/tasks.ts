/** What the conductor of a simulated round asks of a worker, and what comes back. Plain data: it crosses threads. */

import type { Report } from '../../learning/algorithms/evaluation.ts'
import type { ModelFile } from '../../learning/algorithms/model-file.ts'
import type { Lanes, SumRequest } from '../../protocol/algorithm.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Population } from './population.ts'

/** What one run works on; sent once to every worker. */
export interface Setting {
  readonly plan: Plan
  readonly population: Population
  /** Forces an engine; the fastest that can train the model without it. */
  readonly engine?: 'compiled' | 'tfjs' | undefined
}

/** Something a site kept in a round, in shared memory. */
export interface Kept {
  readonly name: string
  readonly round: number
  readonly values: Float32Array
}

/** One site's part in a round. */
export interface SiteTask {
  /** Index in the population. */
  readonly site: number
  /** Index in the states of the round: the one the site starts from. */
  readonly state: number
  readonly staleness: number
  /** The sum that the contribution goes into; `undefined` where its numbers are wanted as they are. */
  readonly group: number | undefined
  readonly memory: readonly Kept[]
}

export interface RoundTask {
  readonly round: number
  readonly request: SumRequest
  /** Encoded states in shared memory. */
  readonly states: readonly Uint8Array[]
  readonly sites: readonly SiteTask[]
  /** The next site nobody has taken: workers count it up. */
  readonly next: Int32Array
}

export interface RoundPart {
  /** Ring sums by group, over the sites this worker took. */
  readonly sums: readonly { readonly group: number; readonly sum: RingVector }[]
  readonly plain: readonly { readonly site: number; readonly lanes: Lanes }[]
  readonly kept: readonly { readonly site: number; readonly kept: Kept }[]
}

/** A model from some sites' rows in one place, judged on the rows that all sites hold out. */
export interface BaselineTask {
  readonly sites: readonly number[]
}

export interface JudgeTask {
  readonly model: ModelFile
}

export type ToWorker =
  | { readonly type: 'open'; readonly setting: Setting }
  | { readonly type: 'round'; readonly task: RoundTask }
  | { readonly type: 'baseline'; readonly task: BaselineTask }
  | { readonly type: 'judge'; readonly task: JudgeTask }

export type FromWorker =
  | { readonly type: 'opened' }
  | { readonly type: 'round'; readonly part: RoundPart }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'failed'; readonly error: WorkerFault }

/** An error on its way between threads; `code` makes it a person's again. */
export interface WorkerFault {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly stack: string | undefined
}
