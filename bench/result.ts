/** One measured figure of a bench, with the reference it is compared to in the same run. */
export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The figure of the named reference, or `null` where none can run here. */
  readonly reference: number | null
  /** value / reference. */
  readonly ratio: number | null
}

export interface BenchOptions {
  /** A short run for trying the bench itself. */
  readonly quick: boolean
  readonly progress: (line: string) => void
}

export type Bench = (options: BenchOptions) => Promise<readonly BenchResult[]>
