/**
 * What a site keeps for itself from round to round: control variates, a personal head, what compression left out. It never
 * leaves the site. A round that is repeated recalls what was kept before it, so that the site says the same again.
 */

export interface SiteMemory {
  /** What was last kept under `name` in a round before `round`. */
  recall(name: string, round: number): Float32Array | undefined
  keep(name: string, round: number, values: Float32Array): void
}

/** The memory as one round sees it. */
export interface RoundMemory {
  recall(name: string): Float32Array | undefined
  keep(name: string, values: Float32Array): void
}

export const memoryOf = (memory: SiteMemory, round: number): RoundMemory => ({
  recall: (name) => memory.recall(name, round),
  keep: (name, values) => memory.keep(name, round, values),
})

interface Kept {
  readonly round: number
  readonly values: Float32Array
}

/** A memory that lasts as long as its object; of each name the last round and the one before it. */
export function siteMemory(): SiteMemory {
  const kept = new Map<string, readonly Kept[]>()
  const before = (name: string, round: number): readonly Kept[] =>
    (kept.get(name) ?? []).filter((each) => each.round < round)
  return {
    recall: (name, round) => before(name, round).at(-1)?.values,
    keep: (name, round, values) => {
      kept.set(name, [...before(name, round).slice(-1), { round, values }])
    },
  }
}
