/** Several runs at once on the same sites: they take turns, and what becomes of one is nothing to the others. */

import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { connect } from '../../client-node/connect.ts'
import { random } from '../../client-node/session.ts'
import { fromHex } from '../../protocol/bytes.ts'
import { openIdentity } from '../../protocol/crypto/node/identity.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { envelope, openEnvelope } from '../../protocol/wire/envelope.ts'
import { greet } from '../../protocol/wire/handshake.ts'
import { decodeMessage, encodeMessage } from '../../protocol/wire/messages.ts'
import type { Command, Line } from '../../simulations/demo/processes.ts'
import {
  concordat,
  Ends,
  type Hospitals,
  hospitals,
  ofType,
  startHospitals,
  undisturbed,
} from '../support/hospitals.ts'

const ends = new Ends()
afterEach(() => ends.all())

const isRound =
  (from: number) =>
  (line: Line): boolean =>
    line.type === 'round' && Number(line.round) >= from

/** Plans of so many rounds that differ in what they train with, in the order in which they were submitted. */
async function submitted(federation: Hospitals, rounds: number, names: readonly string[]) {
  const runs: { readonly id: string; readonly plan: string; readonly run: Command }[] = []
  for (const [i, name] of names.entries()) {
    const plan = await federation.plan(name, { rounds, algorithm: { learningRate: 0.05 + i / 100 } })
    const id = await federation.submit(plan)
    runs.push({ id, plan, run: federation.watch(id) })
  }
  return runs
}

test('two runs take turns on the same sites, a third is queued; one rests, one is stopped, and the models are the undisturbed ones', async () => {
  const federation = await startHospitals(ends, { coordinatorOptions: ['--runs-at-once', '2'] })
  const { processes, operator } = federation
  for (const name of hospitals) processes.site(name)
  const [first, second] = await submitted(federation, 25, ['first', 'second'])
  const order: string[] = []
  for (const { id, run } of [first, second])
    run.watch(({ type }) => {
      if (type === 'round') order.push(id)
    })
  await Promise.all([first, second].map(({ run }) => run.until(isRound(0))))
  const id = await federation.submit(await federation.plan('third', { rounds: 2000 }))
  const listed = [{ status: 'running' }, { status: 'running' }, { name: 'third', status: 'queued' }]
  expect(await federation.runs()).toMatchObject(listed)
  await first.run.until(isRound(3))
  expect((await federation.api(`runs/${first.id}/pause`, 'POST')).status).toBe(200)
  await first.run.until(ofType('paused'))
  const rested = first.run.lines.filter(ofType('round')).length
  expect(order.filter((each, i) => i > 0 && each !== order[i - 1]).length).toBeGreaterThan(2)

  // Its place is free: the third begins, and is stopped in the middle.
  const third = federation.watch(id)
  await third.until(isRound(3))
  expect(await concordat('runs', 'stop', id, ...operator)).toMatchObject({ code: 0, last: { name: 'third' } })
  expect(await third.exited).toMatchObject({ code: 3, stderr: expect.stringContaining('ERR_RUN_STOPPED') })
  const finished = await second.run.until(ofType('finished'))
  const states = [
    { status: 'paused', rounds: rested },
    { status: 'finished', rounds: 27 },
    { status: 'stopped', code: 'ERR_RUN_STOPPED' },
  ]
  expect(await federation.runs()).toMatchObject(states)
  expect(await concordat('runs', 'list', ...operator)).toMatchObject({ code: 0, last: states })
  expect(await concordat('runs', 'resume', first.id, ...operator)).toMatchObject({ code: 0, last: { id: first.id } })
  const later = await first.run.until(ofType('finished'))
  expect([later.rounds, finished.rounds]).toEqual([27, 27])
  expect([later.modelHash, finished.modelHash]).toEqual([await undisturbed(first.plan), await undisturbed(second.plan)])
  expect(first.run.lines.filter(ofType('round'))).toHaveLength(27)
}, 120_000)

test('kill -9 of the coordinator with two runs open: both go on by themselves, to the undisturbed models', async () => {
  const federation = await startHospitals(ends)
  const { processes } = federation
  for (const name of hospitals) processes.site(name)
  const runs = await submitted(federation, 20, ['one', 'two'])
  await Promise.all(runs.map(({ run }) => run.until(isRound(3))))
  await processes.coordinator.kill('SIGKILL')
  processes.coordinatorAgain()
  for (const { run, plan } of runs)
    expect(await run.until(ofType('finished'))).toMatchObject({ rounds: 22, modelHash: await undisturbed(plan) })
}, 120_000)

/** A site that joins no run: of one it says garbage, the other it declines. It hears what is said on its link. */
async function vandal({ folder, processes }: Hospitals, name: string, victim: string) {
  const link = await connect(new URL(processes.url))
  ends.add(() => link.close())
  const identity = await openIdentity(join(folder, name, 'identity.key'))
  const verify = nodeProvider.ed25519Verify
  // Without numbers on the frames.
  await greet(link, fromHex(processes.coordinatorKey), { identity, verify, random, versions: [1, 2] })
  let heard: (run: string) => void = () => {}
  const finished = new Promise<string>((resolve) => {
    heard = resolve
  })
  const listen = async (): Promise<void> => {
    for await (const bytes of link.frames) {
      const { run, frame } = openEnvelope(bytes)
      const { type } = decodeMessage(frame)
      if (type === 'finish') heard(run)
      if (type !== 'offer') continue
      const said =
        run === victim ? Uint8Array.of(255, 1, 2) : encodeMessage({ type: 'decline', code: 'ERR_X', reason: '' })
      link.send(envelope({ run, frame: said }))
    }
  }
  void listen()
  return { finished }
}

test('garbage of a site in one run ends its part in that run alone; a plan that fails everywhere fails alone', async () => {
  const federation = await startHospitals(ends, { assembly: 0 })
  const { processes } = federation
  const [bad, ...others] = hospitals
  const [victim, other] = await submitted(federation, 20, ['victim', 'other'])
  const decay = await federation.plan('diverging', { rounds: 40, algorithm: { learningRate: 1000, weightDecay: 1 } })
  const diverging = federation.watch(await federation.submit(decay))
  const { finished } = await vandal(federation, bad, victim.id)
  await other.run.until((line) => line.type === 'declined' && line.site === bad)
  for (const name of others) processes.site(name)
  await diverging.until(ofType('retry'))
  expect(await victim.run.until(ofType('finished'))).toMatchObject({ rounds: 22 })
  expect(await other.run.until(ofType('finished'))).toMatchObject({ rounds: 22 })
  // Its link outlived what it said in the other run.
  expect(await finished).toBe(other.id)
  expect(await diverging.until(ofType('retry'))).toMatchObject({
    round: 1,
    reason: expect.stringContaining('ERR_LOSS_NOT_FINITE'),
  })
  const absences = victim.run.lines.filter(ofType('round')).flatMap(({ absent }) => absent)
  expect(absences).toContainEqual(expect.objectContaining({ site: bad }))
  // A run that rests for minutes does not keep a coordinator that is to stop.
  await diverging.until((line) => line.type === 'retry' && line.seconds === 300)
  expect(await processes.coordinator.kill('SIGTERM')).toMatchObject({ code: 0, stderr: '' })
}, 120_000)
