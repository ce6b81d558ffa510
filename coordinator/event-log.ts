/** The events of one run, kept for whoever follows it late. */

import type { Clock } from './clock.ts'
import type { RunEvent, TimedEvent } from './events.ts'

/** Events that are kept: a follower that comes later than that begins with the oldest of them. */
const most = 4096
/** Events of one batch. */
const mostAtOnce = 256

export interface EventLogParts {
  readonly clock: Pick<Clock, 'now'>
  /** Told of each event as it comes. */
  readonly watch: (event: TimedEvent) => void
  /** How the run ended, where an earlier process has seen it and this one nothing. */
  readonly retell: () => Promise<RunEvent | undefined>
}

export class EventLog {
  #events: TimedEvent[] = []
  /** Events that were let go. */
  #gone = 0
  readonly #waiting = new Set<() => void>()
  readonly #parts: EventLogParts
  #ended = false

  constructor(parts: EventLogParts) {
    this.#parts = parts
  }

  add(event: RunEvent): void {
    const timed = { ...event, at: this.#parts.clock.now() }
    this.#events.push(timed)
    if (this.#events.length >= 2 * most) {
      this.#gone += this.#events.length - most
      this.#events = this.#events.slice(-most)
    }
    this.#parts.watch(timed)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Every event that is kept, then those to come, until the run has ended. */
  async *follow(): AsyncGenerator<TimedEvent, void> {
    for await (const events of this.batches()) yield* events
  }

  /** The same, as many at a time as are there. */
  async *batches(): AsyncGenerator<readonly TimedEvent[], void> {
    if (this.#ended && this.#events.length === 0) {
      const end = await this.#parts.retell()
      if (end !== undefined) yield [{ ...end, at: this.#parts.clock.now() }]
      return
    }
    for (let next = 0; ; ) {
      next = Math.max(next, this.#gone)
      const events = this.#events.slice(next - this.#gone, next - this.#gone + mostAtOnce)
      next += events.length
      if (events.length > 0) yield events
      else if (this.#ended) return
      else await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
