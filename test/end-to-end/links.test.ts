/** A site's link over a network that fails: what is cut goes on, and the round with it. */

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { carrierTo, connect } from '../../client-node/connect.ts'
import { bulkPlane } from '../../coordinator/bulk.ts'
import { Hub } from '../../coordinator/hub.ts'
import { admit } from '../../coordinator/lobby.ts'
import { clock, random } from '../../coordinator/machine.ts'
import { Members } from '../../coordinator/members.ts'
import { openDoors } from '../../coordinator/server.ts'
import { diskBlobs } from '../../coordinator/store/blobs/disk.ts'
import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { envelope } from '../../protocol/wire/envelope.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import { encodeMessage } from '../../protocol/wire/messages.ts'
import { SiteLinks } from '../../protocol/wire/site-links.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { Ends, hospitals, ofType, startHospitals, undisturbed } from '../support/hospitals.ts'
import { typeOf } from '../support/websocket-units.ts'

const ends = new Ends()
afterEach(() => ends.all())

/** Every message of a round in strict mode and of joining it, in either direction. */
const messages = [
  ...['join', 'deposit-request', 'deposit', 'round-start', 'upload', 'sign-request', 'consistency', 'unmask', 'reveal'],
  ...['round-end', 'record', 'countersign'],
]

test('a connection that is lost with any message of a strict round costs nothing: the site is in every sum', async () => {
  const federation = await startHospitals(ends, { patience: 60, coordinatorOptions: ['--grace', '30'] })
  const { processes } = federation
  const [victim, ...others] = hospitals
  const network = await FaultProxy.to(Number(new URL(processes.url).port))
  ends.add(() => network.close())
  const toStrike = new Set(messages)
  const struck: string[] = []
  network.strike(({ frame }) => {
    const type = typeOf(frame)
    if (!toStrike.delete(type)) return 'passes'
    struck.push(type)
    return 'lost'
  })
  for (const name of others) processes.site(name)
  const agent = processes.site(victim, { port: network.port })
  const plan = await federation.plan('cut', { rounds: 16 })
  const run = processes.run(plan)
  const finished = await run.until(ofType('finished'))
  expect(struck.toSorted()).toEqual(messages.toSorted())
  expect(finished).toMatchObject({ rounds: 18, modelHash: await undisturbed(plan) })
  const rounds = run.lines.filter(ofType('round'))
  expect(rounds.map(({ sites }) => sites)).toEqual(rounds.map(() => expect.arrayContaining(hospitals)))
  expect(run.lines.filter(ofType('retry'))).toEqual([])
  // One link, and one membership, all the time.
  expect(agent.lines.filter(ofType('connected'))).toHaveLength(1)
  expect(agent.lines.filter(ofType('joined'))).toHaveLength(1)
  expect(agent.lines.filter(ofType('resumed'))).toHaveLength(messages.length)
}, 120_000)

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

async function identity(): Promise<Identity> {
  const seed = random.bytes(32)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}

/** A site's link through a failing network, and the coordinator's end of it, without a run. */
async function linked() {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const [own, coordinator] = [await identity(), await identity()]
  const published = await diskBlobs(join(folder, 'blobs'))
  const onFault = (error: unknown): void => {
    throw error
  }
  const bulk = await bulkPlane({ staging: join(folder, 'staging'), published, onFault })
  const hub = new Hub({ bulk, clock, patience: 60_000 })
  const members = new Members({ clock, patience: 60_000, grace: 2_000 })
  const roster = [{ name: 'site', identity: own.publicKey }]
  hub.open('ab'.repeat(8), members, roster)
  const doors = await openDoors({
    ...{ host: '127.0.0.1', port: 0, bulk, routes: () => {} },
    onConnection: (connection) => void admit(connection, { identity: coordinator, hub, roster: () => roster, random }),
  })
  ends.add(() => doors.close())
  ends.add(() => hub.closeAll('ERR_STOPPED', 'over'))
  const network = await FaultProxy.to(doors.port)
  ends.add(() => network.close())
  const url = new URL(`http://127.0.0.1:${network.port}`)
  let resumed = 0
  const links = new SiteLinks({
    ...{ connect: () => connect(url), carrier: carrierTo(url), coordinator: coordinator.publicKey },
    context: { identity: own, verify: nodeProvider.ed25519Verify, random },
    isFinal: () => false,
    pause: () => delay(100),
    resumed: () => resumed++,
  })
  const site = await links.next()
  ends.add(() => site.close())
  const here = new Promise<void>((resolve) => members.onCame(() => resolve()))
  await here
  const link = members.link(0)
  if (link === undefined) throw new Error('the site is not there')
  return { site, link, members, network, published, resumed: () => resumed }
}

/** Cuts every connection of a network once, when `count` tells that so many bytes have passed. */
async function cutOnce(network: FaultProxy, count: () => number, bytes: number): Promise<void> {
  while (count() < bytes) await delay(1)
  network.cut()
  await delay(300)
  network.heal()
}

describe('all connections of a site are cut in the middle of', () => {
  const size = 12_000_000
  const blob = new Uint8Array(randomBytes(size))
  // What was in the sockets when they broke, and the headers, are all that comes on top.
  const most = size * 1.5

  test('an upload: it goes on at the byte where it stopped, over the same link', async () => {
    const { site, link, network, resumed } = await linked()
    link.expect(size)
    const before = network.carried
    const cut = cutOnce(network, () => network.carried - before, size / 2)
    await Promise.all([site.upload(blob, sha256(blob)), cut])
    const taken = await link.take(sha256(blob))
    expect(Buffer.compare(taken ?? new Uint8Array(0), blob)).toBe(0)
    expect(network.carried - before).toBeGreaterThanOrEqual(size)
    expect(network.carried - before).toBeLessThan(most)
    expect([resumed(), site.ended()]).toEqual([1, undefined])
  })

  test('a download: it goes on at the byte where it stopped, over the same link', async () => {
    const { site, network, published, resumed } = await linked()
    await published.put(toHex(sha256(blob)), blob)
    const before = network.returned
    const cut = cutOnce(network, () => network.returned - before, size / 2)
    const [came] = await Promise.all([site.download(sha256(blob), size), cut])
    expect(Buffer.compare(came, blob)).toBe(0)
    expect(network.returned - before).toBeLessThan(most)
    expect([resumed(), site.ended()]).toEqual([1, undefined])
  })
})

test('an answer that is lost behind a whole upload does not make it come again', async () => {
  const { site, link, network } = await linked()
  const blob = new Uint8Array(randomBytes(3_000_000))
  link.expect(blob.length)
  const before = network.carried
  network.loseAnswerTo(blob.length)
  await site.upload(blob, sha256(blob))
  // Headers are all that comes on top.
  expect(network.carried - before).toBeLessThan(blob.length + 10_000)
  expect(Buffer.compare((await link.take(sha256(blob))) ?? new Uint8Array(0), blob)).toBe(0)
})

test('frames that come twice or in another order on the wire are read once and in order', async () => {
  const { site, members, network, resumed } = await linked()
  let count = 0
  network.strike(({ frame, outward }) =>
    outward && frame[0] === 31 ? (['twice', 'later', 'passes'] as const)[count++ % 3] : 'passes',
  )
  const reasons = Array.from({ length: 30 }, (_, i) => String(i))
  const said: string[] = []
  const gathered = members.gather({
    awaits: [0],
    take: async (_, message) => {
      if (message.type === 'decline') said.push(message.reason)
      return said.length === reasons.length ? 'answered' : 'ignored'
    },
  })
  for (const reason of reasons)
    site.send(envelope({ run: 'ab'.repeat(8), frame: encodeMessage({ type: 'decline', code: 'ERR_TEST', reason }) }))
  expect(await gathered).toEqual([])
  expect(said).toEqual(reasons)
  expect(resumed()).toBeGreaterThan(0)
})
