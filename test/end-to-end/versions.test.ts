/** Parties of different ages: one version apart they work together, further apart each says which to update. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AgentEvent, runAgent } from '../../client-node/agent.ts'
import { readSiteConfig } from '../../client-node/config.ts'
import { startCoordinator } from '../../coordinator/coordinator.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { parseRoster } from '../../protocol/roster.ts'
import { wireVersions } from '../../protocol/wire/messages.ts'
import { Ends, type Hospitals, hospitals, ofType, startHospitals, undisturbed } from '../support/hospitals.ts'

const ends = new Ends()
afterEach(() => ends.all())

const [before] = wireVersions

/** The coordinator's process is exchanged for one that speaks these versions, at the same place. */
async function olderCoordinator({ folder, processes }: Hospitals, versions: readonly number[]): Promise<void> {
  await processes.coordinator.kill('SIGTERM')
  const coordinator = await startCoordinator({
    ...{ folder: join(folder, 'coordinator'), host: '127.0.0.1', port: Number(new URL(processes.url).port) },
    ...{ roster: parseRoster(await readFile(processes.rosterFile, 'utf8')), patience: 10_000, assembly: 600_000 },
    ...{ versions, databaseUrl: undefined, blobsUrl: undefined },
  })
  ends.add(() => coordinator.close())
}

/** The agent of a site that speaks these versions. */
async function olderSite({ folder, processes }: Hospitals, name: string, versions: readonly number[]) {
  const stopped = new AbortController()
  ends.add(() => stopped.abort())
  const events: AgentEvent[] = []
  const config = await readSiteConfig(
    {
      ...{ name, coordinator: processes.url, coordinatorKey: processes.coordinatorKey, roster: processes.rosterFile },
      ...{ data: join(folder, `${name}.csv`), folder: join(folder, name), once: true },
    },
    undefined,
  )
  const report = (event: AgentEvent): number => events.push(event)
  const ended = runAgent({ config, trainer: chooseTrainer(), signal: stopped.signal, report, versions })
  ended.catch(() => {})
  return { ended, events }
}

test('agents take part with a coordinator that speaks only the version before', async () => {
  const federation = await startHospitals(ends)
  await olderCoordinator(federation, [before - 1, before])
  const agents = hospitals.map((name) => federation.processes.site(name))
  const plan = await federation.plan('older-coordinator', { rounds: 3 })
  const run = federation.processes.run(plan)
  expect(await run.until(ofType('finished'))).toMatchObject({ rounds: 5, modelHash: await undisturbed(plan) })
  await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
}, 120_000)

test('a site that speaks only the version before takes part with a coordinator of today', async () => {
  const federation = await startHospitals(ends)
  const [older, ...others] = hospitals
  for (const name of others) federation.processes.site(name)
  const site = await olderSite(federation, older, [before - 1, before])
  const plan = await federation.plan('older-site', { rounds: 3 })
  const run = federation.processes.run(plan)
  expect(await run.until(ofType('finished'))).toMatchObject({ rounds: 5, modelHash: await undisturbed(plan) })
  expect(await site.ended).toMatchObject({ code: 'OK' })
  for (const { sites } of run.lines.filter(ofType('round'))) expect(sites).toContain(older)
  expect(site.events.filter(({ type }) => type === 'contributed')).toHaveLength(5)
}, 120_000)

test('an agent that meets a coordinator of two versions ago ends, and says that it is the coordinator that is old', async () => {
  const federation = await startHospitals(ends)
  await olderCoordinator(federation, [before - 1])
  const { code, stderr } = await federation.processes.site(hospitals[0]).exited
  expect(code).toBe(3)
  expect(stderr).toContain('ERR_VERSION')
  expect(stderr).toContain(
    `this site speaks versions ${wireVersions.join(' and ')} of the protocol, the coordinator version ${before - 1}; update the coordinator`,
  )
}, 60_000)

test('a site of two versions ago is turned away, and told that it is the one that is old', async () => {
  const federation = await startHospitals(ends)
  const site = await olderSite(federation, hospitals[0], [before - 1])
  await expect(site.ended).rejects.toMatchObject({
    code: 'ERR_VERSION',
    message: `this coordinator speaks versions ${wireVersions.join(' and ')} of the protocol, the site version ${before - 1}; update the site`,
  })
}, 60_000)
