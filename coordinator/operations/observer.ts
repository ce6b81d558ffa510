/** Whoever watches the runs of a coordinator from inside: logs, metrics, traces. None of them can hold a run up. */

import type { TimedEvent } from '../events.ts'

export interface ObservedRun {
  readonly id: string
  readonly name: string
}

export interface Observer {
  run(run: ObservedRun, event: TimedEvent): void
  /** What is still to be sent is sent. */
  close(): Promise<void>
}

/** All of them as one. */
export const observers = (all: readonly Observer[]): Observer => ({
  run: (run, event) => {
    for (const one of all) one.run(run, event)
  },
  close: async () => {
    await Promise.all(all.map((one) => one.close()))
  },
})
