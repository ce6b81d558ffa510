/** Rounds that finish, over real processes and sockets: a site that does not come to an end, sites that go and come back. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { utf8 } from '../../protocol/bytes.ts'
import { decodeLog } from '../../protocol/journal/codec.ts'
import { Command, type Line } from '../../simulations/demo/processes.ts'
import {
  concordat,
  Ends,
  type Hospitals,
  hospitals,
  next,
  ofType,
  startHospitals,
  undisturbed,
} from '../support/hospitals.ts'

const ends = new Ends()
afterEach(() => ends.all())

async function slowSite({ folder, processes }: Hospitals, name: string): Promise<Command> {
  const config = join(folder, `${name}.site.yaml`)
  const { url: coordinator, coordinatorKey, rosterFile: roster } = processes
  const own = { name, folder: join(folder, name), data: join(folder, `${name}.csv`) }
  await writeFile(config, stringify({ ...own, coordinator, coordinatorKey, roster }))
  const agent = new Command('dist/test/support/slow-site.js', [config])
  ends.add(() => agent.kill('SIGKILL'))
  return agent
}

const codeIn = ({ absent }: Line, name: string): unknown =>
  Array.isArray(absent) ? absent.find(({ site }) => site === name)?.code : 'no round'

test('a site that computes without an end and beats its heart does not hold the others up, and is back once it is done', async () => {
  const [slow, ...others] = hospitals
  const federation = await startHospitals(ends, { patience: 5, coordinatorOptions: ['--straggler-factor', '2'] })
  const { processes } = federation
  for (const name of others) processes.site(name)
  const agent = await slowSite(federation, slow)
  const run = processes.run(await federation.plan('hospitals', { rounds: 400 }))
  await run.until((line) => codeIn(line, slow) === 'ERR_STRAGGLER')
  await run.until((line) => codeIn(line, slow) === 'ERR_STILL_BUSY')
  expect(agent.lines.some((line) => line.type === 'contributed' && Number(line.round) > 1)).toBe(false)
  agent.signal('SIGUSR2')
  await agent.until((line) => line.type === 'contributed' && Number(line.round) > 2)
  const [{ id }] = await federation.runs()
  const journal = await (await federation.api(`runs/${id}/journal`)).text()
  expect(journal).toContain('"code":"ERR_STRAGGLER"')
})

test('too few sites are left: the run waits and says for whom; they come back, it goes on, and the model is the undisturbed one', async () => {
  const federation = await startHospitals(ends)
  const { processes } = federation
  const [first, second] = hospitals.slice(0, 2).map((name) => processes.site(name))
  for (const name of hospitals.slice(2)) processes.site(name)
  const plan = await federation.plan('hospitals', { rounds: 12 })
  const run = processes.run(plan)
  await run.until((line) => line.type === 'round' && line.round === 3)
  const missed = next(run, (line) => line.type === 'waiting' && String(line.missing).split(',').length === 2)
  await Promise.all([first.kill('SIGKILL'), second.kill('SIGKILL')])
  await missed
  const waiting = [{ status: 'waiting', missing: expect.arrayContaining(hospitals.slice(0, 2)) }]
  expect(await federation.runs()).toMatchObject(waiting)
  expect(await concordat('runs', 'list', ...federation.operator)).toMatchObject({ code: 0, last: waiting })
  for (const name of hospitals.slice(0, 2)) processes.site(name)
  const finished = await run.until(ofType('finished'))
  expect(finished.rounds).toBe(14)
  expect(run.lines.filter(ofType('round')).flatMap(({ absent }) => absent)).toEqual([])
  expect(finished.modelHash).toBe(await undisturbed(plan))
})

test('a round that fails again and again is tried with back-off, then the run rests; once a site comes it goes on at once', async () => {
  const federation = await startHospitals(ends, { assembly: 0 })
  const { processes, folder } = federation
  const [careful, away, ...others] = hospitals
  for (const name of [careful, ...others]) processes.site(name)
  const run = processes.run(await federation.plan('hospitals', { rounds: 3 }))
  await run.until((line) => line.type === 'round' && line.round === 0)
  // From now on it is connected, and refuses each round: with the one that never came too few are left.
  const policy = join(folder, careful, 'policy.yaml')
  await writeFile(policy, (await readFile(policy, 'utf8')).replace('confirmed: true', 'confirmed: false'))
  const resting = await run.until((line) => line.type === 'waiting' && run.lines.filter(ofType('retry')).length >= 6)
  expect(resting).toMatchObject({ missing: expect.arrayContaining([careful, away]) })
  const retries = run.lines.filter(ofType('retry'))
  expect(retries.map(({ seconds }) => seconds)).toEqual([0.25, 0.5, 1, 2, 4, 300])
  // In the order of the roster, which is that of the keys.
  for (const why of [`${careful} ERR_POLICY_UNCONFIRMED`, `${away} ERR_NOT_CONNECTED`])
    expect(retries[5].reason).toContain(why)
  expect(await federation.runs()).toMatchObject([{ status: 'waiting', missing: expect.arrayContaining([away]) }])
  processes.site(away)
  expect(await run.until(ofType('finished'))).toMatchObject({ rounds: 5 })
  const rounds = run.lines.filter(ofType('round'))
  expect(codeIn(rounds[rounds.length - 1], careful)).toBe('ERR_POLICY_UNCONFIRMED')
  const [{ id }] = await federation.runs()
  const { entries } = decodeLog(utf8(await (await federation.api(`runs/${id}/journal`)).text()))
  const aborts = entries.flatMap(({ entry }) => (entry.type === 'abort' ? [entry.reason] : []))
  expect(aborts).toHaveLength(6)
  for (const reason of aborts) expect(reason).toContain(`${careful} ERR_POLICY_UNCONFIRMED`)
})

test('a site that fails round after round sits some out, and is in every sum again once it is healthy', async () => {
  const federation = await startHospitals(ends, { assembly: 0 })
  const { processes, folder } = federation
  const [careful, ...others] = hospitals
  const agent = processes.site(careful)
  for (const name of others) processes.site(name)
  const policy = join(folder, careful, 'policy.yaml')
  const confirmed = await readFile(policy, 'utf8')
  const run = processes.run(await federation.plan('hospitals', { rounds: 2000 }))
  await agent.until((line) => line.type === 'committed' && line.round === 1)
  await writeFile(policy, confirmed.replace('confirmed: true', 'confirmed: false'))
  await run.until((line) => codeIn(line, careful) === 'ERR_SET_ASIDE')
  const failed = run.lines.filter((line) => codeIn(line, careful) === 'ERR_POLICY_UNCONFIRMED')
  expect(failed.length).toBeGreaterThanOrEqual(2)
  await writeFile(policy, confirmed)
  const back = await next(agent, (line) => line.type === 'committed' && agent.lines.some(contributedIn(line.round)))
  const after = run.until((line) => line.type === 'round' && Number(line.round) >= Number(back.round) + 3)
  const last = Number((await after).round)
  const rounds = run.lines.filter((line) => Number(line.round) > Number(back.round) && Number(line.round) <= last)
  expect(rounds.filter(ofType('round')).map((line) => codeIn(line, careful))).toEqual(Array(3).fill(undefined))
})

const contributedIn =
  (round: unknown) =>
  (line: Line): boolean =>
    line.type === 'contributed' && line.round === round
