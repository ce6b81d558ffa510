/** What an operator watches a coordinator by: logs and metrics always, traces where a collector is named. */

import { type LogLevel, logObserver, openLog } from './log.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { type Observer, observers } from './observer.ts'

export interface OperationsOptions {
  readonly logLevel: LogLevel
  /** Appended to; standard error where unset. */
  readonly logFile: string | undefined
  /** OTEL_EXPORTER_OTLP_ENDPOINT; no traces where unset. */
  readonly traces: string | undefined
}

export interface Operations {
  readonly observer: Observer
  readonly metrics: Metrics
}

export async function openOperations(options: OperationsOptions, connected: () => number): Promise<Operations> {
  const metrics = openMetrics(connected)
  const all: Observer[] = [metrics, logObserver(openLog(options.logLevel, options.logFile))]
  // Loaded only then: its packages are many, and few operators have a collector.
  if (options.traces !== undefined) all.push((await import('./traces.ts')).openTraces(options.traces))
  return { observer: observers(all), metrics }
}
