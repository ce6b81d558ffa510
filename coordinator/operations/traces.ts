/** OpenTelemetry traces, where an OTLP endpoint is configured: a span a run, in it one a round, in that one a phase. */

import { type Context, context, ROOT_CONTEXT, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { TimedEvent } from '../events.ts'
import type { ObservedRun, Observer } from './observer.ts'

/** @param endpoint as in OTEL_EXPORTER_OTLP_ENDPOINT: the address without `/v1/traces`. */
export function openTraces(endpoint: string): Observer {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'concordat-coordinator' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer('concordat')
  const runs = new Map<string, RunTrace>()
  return {
    run: (run, event) => {
      const traced = runs.get(run.id) ?? new RunTrace(tracer, run, event.at)
      runs.set(run.id, traced)
      traced.take(event)
      if (event.type === 'finished' || event.type === 'failed') runs.delete(run.id)
    },
    close: async () => {
      for (const traced of runs.values()) traced.end(Date.now())
      // A collector that is away must not keep the coordinator from stopping.
      await provider.shutdown().catch(() => {})
    },
  }
}

/** Spans opened as events come; each ends where the next of its kind begins. */
class RunTrace {
  readonly #tracer: Tracer
  readonly #run: Span
  #round: { readonly span: Span; readonly number: number } | undefined
  #phase: Span | undefined

  constructor(tracer: Tracer, { id, name }: ObservedRun, at: number) {
    this.#tracer = tracer
    this.#run = tracer.startSpan(
      'run',
      { startTime: at, attributes: { 'run.id': id, 'plan.name': name } },
      ROOT_CONTEXT,
    )
  }

  take(event: TimedEvent): void {
    const { at } = event
    if (event.type === 'phase') this.#beginPhase(event)
    else if (event.type === 'round') {
      this.#round?.span.setAttributes({ 'round.sites': event.sites.length, 'round.absent': event.absent.length })
      this.#endRound(at)
    } else if (event.type === 'retry') {
      this.#round?.span.setStatus({ code: SpanStatusCode.ERROR, message: event.code })
      this.#endRound(at)
    } else if (event.type === 'finished' || event.type === 'failed') {
      if (event.type === 'failed') this.#run.setStatus({ code: SpanStatusCode.ERROR, message: event.code })
      this.end(at)
    }
  }

  end(at: number): void {
    this.#endRound(at)
    this.#run.end(at)
  }

  #beginPhase({ round, phase, sites, at }: Extract<TimedEvent, { readonly type: 'phase' }>): void {
    this.#phase?.end(at)
    if (this.#round?.number !== round) {
      this.#endRound(at)
      const span = this.#tracer.startSpan('round', { startTime: at, attributes: { round } }, within(this.#run))
      this.#round = { span, number: round }
    }
    const attributes = { 'phase.sites': sites }
    this.#phase = this.#tracer.startSpan(phase, { startTime: at, attributes }, within(this.#round.span))
  }

  #endRound(at: number): void {
    this.#phase?.end(at)
    this.#round?.span.end(at)
    this.#phase = this.#round = undefined
  }
}

const within = (span: Span): Context => trace.setSpan(context.active(), span)
