/** What watches a coordinator from inside: metrics add up, logs say only what they may, traces reach a real collector. */

import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as z from 'zod'
import type { RunEvent, TimedEvent } from '../../../coordinator/events.ts'
import { logObserver, openLog } from '../../../coordinator/operations/log.ts'
import { openMetrics } from '../../../coordinator/operations/metrics.ts'
import { openTraces } from '../../../coordinator/operations/traces.ts'

const run = { id: '0123456789abcdef', name: 'heart' }
const secret = 'a parameter of the model'
const told: readonly RunEvent[] = [
  { type: 'joined', site: 'county' },
  { type: 'phase', round: 0, phase: 'contribute', sites: 4 },
  { type: 'phase', round: 0, phase: 'unmask', sites: 3 },
  {
    ...{ type: 'round', round: 0, purpose: 'training', sites: ['a', 'b', 'c'], metrics: { auc: 0.9 }, seconds: 0.3 },
    ...{
      absent: [{ site: 'county', code: 'ERR_SILENT', reason: 'gone' }],
      bytesUp: 30,
      bytesDown: 10,
      stateHash: '00',
    },
  },
  { type: 'phase', round: 1, phase: 'contribute', sites: 4 },
  { type: 'retry', round: 1, code: 'ERR_TOO_FEW_SHARES', reason: 'two sites left', seconds: 1 },
  { type: 'finished', rounds: 1, modelHash: '00', metrics: {}, result: { parameters: secret } },
]
const events: readonly TimedEvent[] = told.map((event, i) => ({ ...event, at: 1_000_000 + 1000 * i }))

test('metrics count rounds by outcome, absences by code and bytes by direction, and name no site', async () => {
  const metrics = openMetrics(() => 4)
  events.forEach((event) => {
    metrics.run(run, event)
  })
  const { body } = await metrics.text()
  for (const line of [
    'concordat_rounds_total{outcome="committed"} 1',
    'concordat_rounds_total{outcome="retried"} 1',
    'concordat_runs_total{outcome="finished"} 1',
    'concordat_absences_total{code="ERR_SILENT"} 1',
    'concordat_bulk_bytes_total{direction="up"} 30',
    'concordat_round_seconds_sum 0.3',
    'concordat_connected_sites 4',
  ]) {
    expect(body).toContain(line)
  }
  expect(body).not.toContain('county')
})

test('logs are one object a line at the level asked for, and a result has no way into them', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'concordat-')), 'coordinator.log')
  const observer = logObserver(openLog('info', path))
  events.forEach((event) => {
    observer.run(run, event)
  })
  await observer.close()
  const text = await readFile(path, 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => z.looseObject({ msg: z.string(), run: z.string() }).parse(JSON.parse(line)))
  expect(lines.map(({ msg }) => msg)).toEqual([
    'a site joined',
    'round committed',
    'a round is tried again',
    'run finished',
  ])
  expect(lines[1]).toMatchObject({ run: run.id, plan: 'heart', round: 0, sites: 3 })
  expect(text).not.toContain(secret)
})

const otlp = z.object({
  resourceSpans: z.array(
    z.object({
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.looseObject({
              name: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
            }),
          ),
        }),
      ),
    }),
  ),
})

test('a collector gets a span a run, in it its rounds, in those their phases, with their times', async () => {
  const bodies: string[] = []
  const collector = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const traces = openTraces(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`)
  events.forEach((event) => {
    traces.run(run, event)
  })
  await traces.close()
  collector.close()
  const spans = bodies.flatMap((body) =>
    otlp.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  )
  expect(spans.map(({ name }) => name).sort()).toEqual(['contribute', 'contribute', 'round', 'round', 'run', 'unmask'])
  const named = (name: string) => spans.filter((span) => span.name === name)
  const [whole] = named('run')
  expect(named('round').every(({ parentSpanId }) => parentSpanId === whole.spanId)).toBe(true)
  const [unmask] = named('unmask')
  expect(named('round').map(({ spanId }) => spanId)).toContain(unmask.parentSpanId)
  expect([unmask.startTimeUnixNano, unmask.endTimeUnixNano]).toEqual(['1002000000000', '1003000000000'])
})
