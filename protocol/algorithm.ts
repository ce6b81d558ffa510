/**
 * The algorithm port: every computation is a local contribution, a secure sum, and a global step.
 *
 * FedAvg, federated means, Newton steps, tree histograms and evaluation differ only in what a site contributes and in
 * what the sum does to the state. `apply` is deterministic: every party computes it and agrees on the state's hash.
 */

/** One named stretch of numbers in the sum. */
export interface Lane {
  readonly name: string
  readonly length: number
  /** The largest magnitude one site may contribute to one coordinate; it fixes the scale, and overflow is impossible. */
  readonly bound: number
  /** Whole numbers (counts) keep scale 1 and are exact; the others use the finest power of two that cannot overflow. */
  readonly kind: 'integer' | 'real'
  /** Largest Euclidean norm of the whole lane at one site, where the algorithm promises one (clipped updates). */
  readonly l2?: number
  /**
   * Largest Euclidean distance by which adding or removing one record (one patient's records, where the plan's noise
   * hides patients) can move the lane at its site, where the algorithm promises one; 0 for what is public or already
   * private (parameters out of DP-SGD).
   */
  readonly perRecord?: number
  /** Integer units per 1.0, a power of two, where a mechanism has fixed it. */
  readonly scale?: number
  /** Integer units that the sum keeps free for noise. */
  readonly room?: number
  /** Factor on the plan's noise multiplier, where a mechanism splits the noise otherwise than equally among the lanes. */
  readonly noise?: number
  /** Fewer bits than the request's 32 for each coordinate, in the ring and on the wire: for model updates, as the plan says. */
  readonly bits?: 16 | 20 | 24
  /** Counts of persons in the cells of a table that is the result itself: a site's policy may hold small ones back. */
  readonly cells?: true
}

/** What one round asks of every site. Fixes the encoding and the sensitivity; computed by each party, never received. */
export interface SumRequest {
  /** What the round is for, in a person's words: shown on terminals and receipts. */
  readonly purpose: string
  /** The ring Z_2^bits: 32 for model updates, 64 for statistics. A lane may say fewer than 32 for itself. */
  readonly bits: 32 | 64
  readonly lanes: readonly Lane[]
  /** Each record enters this sum with this probability, independently (Poisson sampling); absent: every record does. */
  readonly rate?: number
  /** Steps of DP-SGD that every site takes for this sum, where the plan's mechanism is `dp-sgd`. */
  readonly noisySteps?: number
  /** Labels the public signs that rotate lanes of few bits (`vector/rotation.ts`). */
  readonly rotation?: string
}

/** Values by lane name; each has the lane's length. */
export type Lanes = Readonly<Record<string, Float64Array | Float32Array>>

/** Numbers worth showing after a round: loss, AUC, parameters' norm. Only from sums, never from one site. */
export type Metrics = Readonly<Record<string, number>>

/** Least and largest, by the metric's name. */
export type Intervals = Readonly<Record<string, readonly [number, number]>>

/** @typeParam Site what a site computes on: its table, its trainer. Opaque to the protocol. */
export interface Algorithm<State, Site> {
  /** The state before the first round, from the plan alone. */
  init(): State
  /** What the next round sums, or `undefined` when the computation is complete. */
  request(state: State): SumRequest | undefined
  /** What a training round will ask, as far as the plan alone tells, for those who check a plan. */
  preview?(): SumRequest | undefined
  /** At the site, on its own records. `round` labels the site's reproducible choices. */
  contribute(state: State, request: SumRequest, site: Site, round: number): Promise<Lanes>
  /**
   * The global step. `sum` holds exact sums over the `survivors` sites that took part.
   * Deterministic: no clock, no randomness beyond the plan's seed.
   */
  apply(state: State, request: SumRequest, sum: Lanes, survivors: number): State
  /** Equal states have equal bytes; the bytes' hash is bound into the masks of the next round. */
  encode(state: State): Uint8Array
  /** Parses bytes of a state from a peer or a disk; anything else is a `ProtocolError`. */
  decode(bytes: Uint8Array): State
  /** Numbers to show for this state. */
  metrics(state: State): Metrics
  /** 95 % intervals of those metrics for which the sums hold what it takes: by chance in the rows that were summed, not between sites. */
  intervals?(state: State): Intervals
  /** The outcome as plain JSON: a table of statistics, or the model file that `concordat predict` reads. */
  result(state: State): unknown
}
