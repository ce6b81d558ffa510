/**
 * What a coordinator and the sites it colludes with can open, reckoned in symbols: which self seeds and mask keys their
 * shares reach, and which sums of honest contributions fall out. D3 of the design; the argument is its A7.
 */

export interface Graph {
  readonly sites: number
  /** The last so many of the sites; they show the coordinator every share they hold. */
  readonly colluding: number
  readonly threshold: number
}

/** What one honest site was made to reveal, as bits by member: shares of self seeds, and of mask keys. */
export interface Revealed {
  readonly seeds: number
  readonly keys: number
}

/**
 * Sizes of the sets of honest sites whose sum can be computed. Two honest sites whose pair mask is unknown hang together;
 * what hangs together is seen as one sum, if all its self masks can be taken off, and as nothing else.
 */
export function leakingSums({ sites, colluding, threshold }: Graph, revealed: readonly Revealed[]): number[] {
  const honest = sites - colluding
  const opened = (of: 'seeds' | 'keys', member: number): boolean =>
    colluding + revealed.filter((one) => (one[of] >> member) & 1).length >= threshold
  const seen: boolean[] = []
  const sums: number[] = []
  for (let first = 0; first < honest; first++) {
    if (seen[first]) continue
    const together = [first]
    seen[first] = true
    for (let i = 0; i < together.length; i++) {
      for (let other = 0; other < honest; other++) {
        if (seen[other] || opened('keys', together[i]) || opened('keys', other)) continue
        seen[other] = true
        together.push(other)
      }
    }
    if (together.every((member) => opened('seeds', member))) sums.push(together.length)
  }
  return sums
}

/** The worst that any choice of one answer a site leads to: how many sums at once, and the smallest. */
export interface Worst {
  readonly sums: number
  readonly smallest: number
}

/** All strategies: `choices[i]` is everything that honest site i can be made to reveal, `told` what of it comes to be. */
export function worstOf<T extends Revealed>(
  graph: Graph,
  choices: readonly (readonly T[])[],
  told: (chosen: readonly T[]) => readonly Revealed[] = (chosen) => chosen,
): Worst {
  let sums = 0
  let smallest = Number.POSITIVE_INFINITY
  const chosen: T[] = []
  const choose = (site: number): void => {
    if (site === choices.length) {
      const leaks = leakingSums(graph, told(chosen))
      sums = Math.max(sums, leaks.length)
      smallest = Math.min(smallest, ...leaks)
      return
    }
    for (const one of choices[site]) {
      chosen[site] = one
      choose(site + 1)
    }
  }
  choose(0)
  return { sums, smallest }
}

/** Strict mode: each site signs one list or none; only lists with as many signers as `certificate` are revealed for. */
export const worstCertified = (
  graph: Graph,
  certificate: number,
  choices: readonly (readonly (Revealed & { readonly list: number })[])[],
): Worst =>
  worstOf(graph, choices, (chosen) => {
    const signers = (list: number): number => graph.colluding + chosen.filter((one) => one.list === list).length
    return chosen.filter(({ list }) => signers(list) >= certificate)
  })
