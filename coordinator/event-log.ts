/** The events of one run, kept for whoever follows it late. */

import type { RunEvent } from './events.ts'

export class EventLog {
  readonly #events: RunEvent[] = []
  readonly #waiting = new Set<() => void>()
  #ended = false

  add(event: RunEvent): void {
    this.#events.push(event)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Every event so far, then those to come, until the run has ended. */
  async *follow(): AsyncGenerator<RunEvent, void> {
    for (let i = 0; ; i++) {
      while (i >= this.#events.length) {
        if (this.#ended) return
        await new Promise<void>((resolve) => this.#waiting.add(resolve))
      }
      yield this.#events[i]
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
