/** The events of one run, kept for whoever follows it late. */

import type { Clock } from './clock.ts'
import type { RunEvent, TimedEvent } from './events.ts'

export class EventLog {
  readonly #events: TimedEvent[] = []
  readonly #waiting = new Set<() => void>()
  readonly #clock: Pick<Clock, 'now'>
  readonly #watch: (event: TimedEvent) => void
  #ended = false

  /** @param watch told of each event as it comes */
  constructor(clock: Pick<Clock, 'now'>, watch: (event: TimedEvent) => void) {
    this.#clock = clock
    this.#watch = watch
  }

  add(event: RunEvent): void {
    const timed = { ...event, at: this.#clock.now() }
    this.#events.push(timed)
    this.#watch(timed)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Every event so far, then those to come, until the run has ended. */
  async *follow(): AsyncGenerator<TimedEvent, void> {
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
