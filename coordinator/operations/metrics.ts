/** Prometheus metrics of a coordinator: runs, rounds, absences, bytes, connected sites, and the process itself. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RunEvent } from '../events.ts'
import type { Observer } from './observer.ts'

export interface Metrics extends Observer {
  /** The exposition text and its content type. */
  text(): Promise<{ readonly type: string; readonly body: string }>
}

/**
 * Labels are codes and outcomes, never names of sites or runs: their number is bounded.
 * @param connected sites that have a link now
 */
export function openMetrics(connected: () => number): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const rounds = new Counter({
    name: 'concordat_rounds_total',
    help: 'Rounds by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const runs = new Counter({
    name: 'concordat_runs_total',
    help: 'Runs that ended, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const absences = new Counter({
    name: 'concordat_absences_total',
    help: 'Sites absent from a committed round, by the code of the reason',
    labelNames: ['code'],
    registers,
  })
  const bytes = new Counter({
    name: 'concordat_bulk_bytes_total',
    help: 'Bytes of masked vectors that came in, and of sums that went out',
    labelNames: ['direction'],
    registers,
  })
  const seconds = new Histogram({
    name: 'concordat_round_seconds',
    help: 'Wall time of committed rounds',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers,
  })
  new Gauge({
    name: 'concordat_connected_sites',
    help: 'Sites with a link',
    registers,
    collect() {
      this.set(connected())
    },
  })

  const take = (event: RunEvent): void => {
    if (event.type === 'round') {
      rounds.inc({ outcome: 'committed' })
      seconds.observe(event.seconds)
      bytes.inc({ direction: 'up' }, event.bytesUp)
      bytes.inc({ direction: 'down' }, event.bytesDown)
      for (const { code } of event.absent) absences.inc({ code })
    } else if (event.type === 'retry') rounds.inc({ outcome: 'retried' })
    else if (event.type === 'finished' || event.type === 'failed') runs.inc({ outcome: event.type })
  }
  return {
    run: (_, event) => take(event),
    text: async () => ({ type: register.contentType, body: await register.metrics() }),
    close: async () => register.clear(),
  }
}
