/** How long a step waits for a site that is alive and does not answer: measured by what the others took, not by the clock. */

export interface StragglerRule {
  /** How many times what the slowest of the others took a site may take. */
  readonly factor: number
  /** Milliseconds that it may take at the least, and that its upload may stand still. */
  readonly floor: number
}

/** The sum cannot do without answers of so many of these. */
export interface Need {
  readonly members: Iterable<number>
  readonly least: number
}

interface Tally {
  /** Answers to come. */
  lacking: number
  /** Members that may still give them. */
  open: number
}

export interface PaceOptions {
  /** Where unset, nobody is ever left behind. */
  readonly rule: StragglerRule | undefined
  /** When the step began; all times are milliseconds since the epoch. */
  readonly began: number
  readonly awaited: ReadonlySet<number>
  readonly needs: readonly Need[]
}

/** One step of a round: who has answered, and until when the others are waited for. */
export class Pace {
  readonly #rule: StragglerRule | undefined
  readonly #began: number
  readonly #tallies: readonly Tally[]
  /** By member that is awaited, the needs it counts for. */
  readonly #of = new Map<number, Tally[]>()
  /** Milliseconds that the slowest answer took; `undefined` before the first. */
  #slowest: number | undefined

  constructor({ rule, began, awaited, needs }: PaceOptions) {
    this.#rule = rule
    this.#began = began
    this.#tallies = needs.map(({ members, least }) => {
      const tally = { lacking: least, open: 0 }
      for (const member of members) {
        if (!awaited.has(member)) continue
        tally.open++
        this.#of.set(member, [...(this.#of.get(member) ?? []), tally])
      }
      return tally
    })
  }

  /** An answer that the sum can use, the only one of its member. */
  answered(member: number, at: number): void {
    this.#slowest = Math.max(this.#slowest ?? 0, at - this.#began)
    for (const tally of this.#of.get(member) ?? []) tally.lacking--
    this.gone(member)
  }

  /** No answer will come of this member. */
  gone(member: number): void {
    for (const tally of this.#of.get(member) ?? []) tally.open--
    this.#of.delete(member)
  }

  /** The sum waits for answers that may still come. */
  get waits(): boolean {
    return this.#tallies.some(({ lacking, open }) => lacking > 0 && lacking <= open)
  }

  /**
   * When a member that has not answered is left behind; `undefined` while the sum waits for answers that may still come.
   * @param moved when bytes of its upload last came: a slow upload is waited for as long as it moves.
   */
  deadline(moved: number): number | undefined {
    if (this.#rule === undefined || this.waits) return undefined
    const own = this.#late(this.#rule)
    return moved > this.#began ? Math.max(own, moved + this.#rule.floor) : own
  }

  /** When it is to be said whom the sum waits for: others have long answered, and it cannot do without these. */
  get overdue(): number | undefined {
    return this.#rule === undefined || this.#slowest === undefined || !this.waits ? undefined : this.#late(this.#rule)
  }

  #late({ factor, floor }: StragglerRule): number {
    return this.#began + Math.max(floor, factor * (this.#slowest ?? 0))
  }
}
