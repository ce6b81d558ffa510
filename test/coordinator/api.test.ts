import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type Route, refusal, routes } from '../../coordinator/api-routes.ts'
import { type Coordinator, startCoordinator } from '../../coordinator/coordinator.ts'

const roster = ['a', 'b', 'c'].map((name, i) => ({ name, identity: new Uint8Array(32).fill(i + 1) }))
const plan = (name: string): string =>
  JSON.stringify({
    ...{ concordat: 1, name, algorithm: { name: 'statistics' } },
    data: { columns: [{ name: 'age', type: 'number', range: [0, 120] }] },
  })

let coordinator: Coordinator
let folder = ''

async function start(runsAtOnce = 4): Promise<void> {
  folder ||= await mkdtemp(join(tmpdir(), 'concordat-'))
  coordinator = await startCoordinator({
    ...{ folder, host: '127.0.0.1', port: 0, roster, patience: 60_000, assembly: 0, runsAtOnce },
    ...{ databaseUrl: undefined, blobsUrl: undefined },
  })
}

afterEach(async () => {
  await coordinator.close()
  folder = ''
})

async function call(method: string, path: string, body?: string): Promise<Response> {
  const token = (await readFile(join(folder, 'operator.token'), 'utf8')).trim()
  return fetch(`http://127.0.0.1:${coordinator.port}${path}`, {
    ...{ method, headers: { authorization: `Bearer ${token}` } },
    ...(body !== undefined && { body }),
  })
}

const summary = routes.showRun.answer.schema
const submit = async (name: string) => summary.parse(await (await call('POST', '/api/runs', plan(name))).json())
const show = async (id: string) => summary.parse(await (await call('GET', `/api/runs/${id}`)).json())
const wish = async (id: string, what: string) =>
  summary.parse(await (await call('POST', `/api/runs/${id}/${what}`)).json())

/** Reads a run's events until one of a type has come. */
async function until(id: string, type: string): Promise<void> {
  const { body } = await call('GET', `/api/runs/${id}/events`)
  let text = ''
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes(`"type":"${type}"`)) return
  }
  throw new Error(`the events ended without ${type}: ${text}`)
}

test('runs beyond those at once are queued; one that waits for sites leaves its place; all can be seen and stopped', async () => {
  await start(1)
  const [first, second] = [await submit('first'), await submit('second')]
  await until(first.id, 'waiting')
  // The first waits for its sites, so the second may begin; it waits too.
  await until(second.id, 'waiting')
  expect((await show(first.id)).missing.toSorted()).toEqual(['a', 'b', 'c'])
  await wish(first.id, 'stop')
  await until(first.id, 'failed')
  const list = routes.listRuns.answer.schema.parse(await (await call('GET', '/api/runs')).json())
  expect(list.map(({ name, status }) => [name, status])).toEqual([
    ['first', 'stopped'],
    ['second', 'waiting'],
  ])
  expect((await call('POST', `/api/runs/${first.id}/resume`)).status).toBe(400)
})

test('a paused run rests through a restart and goes on when it is resumed; a stopped one has ended', async () => {
  await start()
  const [resting, over] = [await submit('resting'), await submit('over')]
  await until(resting.id, 'waiting')
  await wish(resting.id, 'pause')
  await until(resting.id, 'paused')
  await wish(over.id, 'stop')
  await until(over.id, 'failed')
  await coordinator.close()
  await start()
  expect((await show(resting.id)).status).toBe('paused')
  expect(await show(over.id)).toMatchObject({ status: 'stopped', code: 'ERR_RUN_STOPPED' })
  await until(over.id, 'failed')
  await wish(resting.id, 'resume')
  await until(resting.id, 'waiting')
  const journal = await (await call('GET', `/api/runs/${over.id}/journal`)).text()
  expect(
    journal
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).entry.type),
  ).toEqual(['plan', 'roster', 'pages', 'finish'])
})

describe('the OpenAPI document', () => {
  const documentSchema = z.object({
    openapi: z.literal('3.1.0'),
    paths: z.record(
      z.string(),
      z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.looseObject({}) })),
    ),
  })

  test('describes every route that is served, and every one it describes asks for a token', async () => {
    await start()
    const open = await fetch(`http://127.0.0.1:${coordinator.port}/openapi.json`)
    const { paths } = documentSchema.parse(await open.json())
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ path, method, operationId })),
    )
    expect(described.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(routes).toSorted())
    for (const { path, method } of described) {
      const url = `http://127.0.0.1:${coordinator.port}${path.replace('{id}', '0'.repeat(16))}`
      const response = await fetch(url, { method: method.toUpperCase() })
      expect([path, response.status]).toEqual([path, 401])
      refusal.parse(await response.json())
    }
  })

  test('says what the routes answer', async () => {
    await start()
    const { id } = await submit('described')
    await until(id, 'waiting')
    for (const route of Object.values<Route>(routes)) {
      if (route.path.endsWith('/events')) continue
      const body = route.body === undefined ? undefined : plan('another')
      if (route.path.endsWith('/resume')) await until(id, 'paused')
      const response = await call(route.method.toUpperCase(), `/api${route.path.replace('{id}', id)}`, body)
      expect([route.path, response.status]).toEqual([route.path, route.status])
      expect(response.headers.get('content-type')).toContain(route.answer.type)
      if (route.answer.type === 'application/json') route.answer.schema.parse(await response.json())
      else for (const line of (await response.text()).trim().split('\n')) JSON.parse(line)
    }
    const unknown = await call('GET', `/api/runs/${'0'.repeat(16)}`)
    expect([unknown.status, refusal.parse(await unknown.json()).code]).toEqual([404, 'ERR_RUN'])
  })
})
