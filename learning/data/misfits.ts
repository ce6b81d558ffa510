/** What of a source does not fit the plan, gathered column by column where reading would stop at the first. */

import type { InputError } from '../../protocol/errors.ts'

export interface Misfit {
  /** The plan's. */
  readonly column: string
  readonly code: string
  /** The first of them, with its place, in the words of a reading that stops there. */
  readonly first: string
  readonly count: number
  /** Distinct values as they are recorded, the most frequent first; not all where there are very many. */
  readonly values: readonly { readonly value: string; readonly count: number }[]
}

/** Distinct values that are told apart in a column. */
const mostValues = 200

interface Gathered {
  readonly first: string
  count: number
  readonly values: Map<string, number>
}

export class Misfits {
  readonly #columns = new Map<string, Map<string, Gathered>>()

  /** @param fault asked for once a column and code. */
  note(column: string, value: string, code: string, fault: () => InputError): void {
    const codes = this.#columns.get(column) ?? new Map<string, Gathered>()
    this.#columns.set(column, codes)
    const gathered = codes.get(code) ?? { first: fault().message, count: 0, values: new Map() }
    codes.set(code, gathered)
    gathered.count++
    const { values } = gathered
    if (values.has(value) || values.size < mostValues) values.set(value, (values.get(value) ?? 0) + 1)
  }

  has(column: string): boolean {
    return this.#columns.has(column)
  }

  list(): Misfit[] {
    return [...this.#columns].flatMap(([column, codes]) =>
      [...codes].map(([code, { first, count, values }]) => ({
        ...{ column, code, first, count },
        values: [...values].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count),
      })),
    )
  }
}
