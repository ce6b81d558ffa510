/** A backup made while the coordinator works holds everything: the restored one is the same coordinator, with its runs. */

import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import * as z from 'zod'
import { type Coordinator, startCoordinator } from '../../../coordinator/coordinator.ts'
import { backUp, restore } from '../../../coordinator/operations/backup.ts'
import { toHex } from '../../../protocol/bytes.ts'

const running: Coordinator[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((coordinator) => coordinator.close()))
})

const roster = [1, 2, 3].map((fill) => ({ name: `site-${fill}`, identity: new Uint8Array(32).fill(fill) }))

async function start(folder: string) {
  const coordinator = await startCoordinator({
    ...{ folder, host: '127.0.0.1', port: 0, roster, patience: 10_000, assembly: 0 },
    ...{ databaseUrl: undefined, blobsUrl: undefined },
  })
  running.push(coordinator)
  const token = (await readFile(join(folder, 'operator.token'), 'utf8')).trim()
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${coordinator.port}/${path}`, { ...init, headers: { authorization: `Bearer ${token}` } })
  return { coordinator, call }
}

const runList = z.array(z.looseObject({ id: z.string(), name: z.string() }))

test('key, token and open runs of a backup go on at the restored coordinator', async () => {
  const home = await mkdtemp(join(tmpdir(), 'concordat-'))
  const first = await start(join(home, 'first'))
  const plan = await readFile('examples/hospitals.yaml', 'utf8')
  expect((await first.call('api/runs', { method: 'POST', body: plan })).status).toBe(201)
  const before = runList.parse(await (await first.call('api/runs')).json())
  const report = await backUp(join(home, 'first'), join(home, 'backup'))
  expect(report.parts).toEqual(expect.arrayContaining(['coordinator.db', 'coordinator.key', 'operator.token']))
  await restore(join(home, 'backup'), join(home, 'second'))
  const second = await start(join(home, 'second'))
  expect(toHex(second.coordinator.identity)).toBe(toHex(first.coordinator.identity))
  const after = runList.parse(await (await second.call('api/runs')).json())
  expect(after.map(({ id, name }) => ({ id, name }))).toEqual(before.map(({ id, name }) => ({ id, name })))
})

test('nothing is overwritten, and only a coordinator is backed up', async () => {
  const home = await mkdtemp(join(tmpdir(), 'concordat-'))
  await start(join(home, 'first'))
  await backUp(join(home, 'first'), join(home, 'backup'))
  await expect(backUp(join(home, 'first'), join(home, 'backup'))).rejects.toMatchObject({ code: 'ERR_BACKUP' })
  await expect(restore(join(home, 'backup'), join(home, 'first'))).rejects.toMatchObject({ code: 'ERR_BACKUP' })
  await writeFile(join(home, 'other'), '')
  await expect(backUp(home, join(home, 'third'))).rejects.toMatchObject({ code: 'ERR_BACKUP' })
})

test('alive and ready are for everybody, metrics for whoever may watch', async () => {
  const home = await mkdtemp(join(tmpdir(), 'concordat-'))
  const { coordinator, call } = await start(join(home, 'first'))
  const open = (path: string) => fetch(`http://127.0.0.1:${coordinator.port}/${path}`)
  expect((await open('health')).status).toBe(200)
  expect(await (await open('ready')).json()).toEqual({ status: 'ready' })
  expect((await open('metrics')).status).toBe(401)
  const metrics = await call('metrics')
  expect(metrics.headers.get('content-type')).toContain('text/plain')
  expect(await metrics.text()).toContain('concordat_connected_sites 0')
})
