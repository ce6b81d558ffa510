import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { carrierTo, connect } from '../../client-node/connect.ts'
import { ask } from '../../client-node/enrol-client.ts'
import { proxyAgentFor } from '../../client-node/proxy.ts'
import { type BulkPlane, bulkPlane, linkBeside } from '../../coordinator/bulk.ts'
import { type Connection, type Doors, openDoors } from '../../coordinator/server.ts'
import type { Blobs } from '../../coordinator/store/blobs/blobs.ts'
import { diskBlobs } from '../../coordinator/store/blobs/disk.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'
import { siteLink } from '../../protocol/wire/site-links.ts'
import { carrierWith } from '../../protocol/wire/transfer.ts'
import { Command } from '../../simulations/demo/processes.ts'
import { FaultProxy } from '../support/fault-proxy.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

const same = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.from(a).equals(b)

let doors: Doors
let published: Blobs
let bulk: BulkPlane
let arrivals: Mailbox<Connection>
const proxied = ['HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy']
const before = proxied.map((name) => process.env[name])
const ends: (() => unknown)[] = []

beforeEach(async () => {
  for (const name of proxied) delete process.env[name]
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  published = await diskBlobs(join(folder, 'blobs'))
  arrivals = new Mailbox<Connection>()
  const onFault = (error: unknown): void => {
    throw error
  }
  bulk = await bulkPlane({ staging: join(folder, 'staging'), published, onFault })
  doors = await openDoors({
    ...{ host: '127.0.0.1', port: 0, routes: () => {}, bulk },
    onConnection: (connection) => arrivals.put(connection),
  })
})

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await doors.close()
  proxied.forEach((name, i) => {
    if (before[i] === undefined) delete process.env[name]
    else process.env[name] = before[i]
  })
})

/** Both ends of a link over the port, past their handshake. */
async function linked(port: number, progress: () => void = () => {}) {
  const url = new URL(`http://127.0.0.1:${port}`)
  const token = new Uint8Array(randomBytes(32))
  const site = siteLink(await connect(url), carrierWith(carrierTo(url), token))
  ends.push(() => site.close())
  const connection = await arrivals.next()
  if (connection === undefined) throw new Error('nobody came')
  connection.trust()
  return { site, token, coordinator: linkBeside(connection, bulk, { token, progress }) }
}

describe('a transfer that breaks off', () => {
  const size = 6_000_000
  const cut = 2_500_000

  test('is taken up where it stopped on its way up: hardly a byte is sent twice', async () => {
    const network = await FaultProxy.to(doors.port)
    ends.push(() => network.close())
    const { site, coordinator } = await linked(network.port)
    coordinator.expect(size)
    const blob = new Uint8Array(randomBytes(size))
    const sent = network.carried
    network.cutAfter(cut)
    await site.upload(blob, sha256(blob))
    expect(same(await coordinator.take(sha256(blob)), blob)).toBe(true)
    // What was in the sockets when it broke, and the headers, are all that comes on top.
    expect(network.carried - sent).toBeGreaterThan(size)
    expect(network.carried - sent).toBeLessThan(size + cut / 2)
  })

  test('without a word to the coordinator does not hold up what comes over a new connection', async () => {
    let begun: () => void = () => {}
    const { site, coordinator, token } = await linked(doors.port, () => begun())
    coordinator.expect(size)
    const blob = new Uint8Array(randomBytes(size))
    // A connection that has brought the first bytes and stays open for ever.
    const hanging = dial(doors.port, '127.0.0.1')
    ends.push(() => hanging.destroy())
    const hash = Buffer.from(sha256(blob)).toString('hex')
    const head = [
      ...[`PUT /bulk/uploads/${hash} HTTP/1.1`, 'host: here', `content-length: ${size}`, `x-upload-length: ${size}`],
      ...['x-upload-offset: 0', `authorization: Bearer ${Buffer.from(token).toString('hex')}`, '', ''],
    ]
    hanging.write(head.join('\r\n'))
    hanging.write(blob.subarray(0, cut))
    hanging.on('error', () => {})
    const over = new Promise((resolve) => hanging.once('close', resolve))
    await new Promise<void>((resolve) => {
      begun = resolve
    })
    await site.upload(blob, sha256(blob))
    expect(same(await coordinator.take(sha256(blob)), blob)).toBe(true)
    await over
  })

  test('is taken up where it stopped on its way down', async () => {
    const blob = new Uint8Array(randomBytes(size))
    await published.put(Buffer.from(sha256(blob)).toString('hex'), blob)
    const read: number[] = []
    const { read: reading } = published
    let broken = false
    published.read = async function* (hash, start) {
      read.push(start)
      let passed = 0
      for await (const part of reading(hash, start)) {
        yield part
        passed += part.length
        if (!broken && passed >= cut) {
          broken = true
          throw new Error('the disk hangs')
        }
      }
    }
    const { site } = await linked(doors.port)
    expect(same(await site.download(sha256(blob), size), blob)).toBe(true)
    expect(read).toHaveLength(2)
    expect(read[1]).toBeGreaterThan(0)
  })
})

describe('behind a proxy', () => {
  async function startProxy(...mode: string[]): Promise<Command> {
    const proxy = new Command('dist/test/support/connect-proxy.js', mode)
    ends.push(() => proxy.kill('SIGKILL'))
    const { port } = await proxy.until(({ type }) => type === 'listening')
    process.env.http_proxy = `http://127.0.0.1:${port}`
    return proxy
  }

  test('frames and bulk bytes go through its tunnels', async () => {
    const proxy = await startProxy()
    const { site, coordinator } = await linked(doors.port)
    site.send(Uint8Array.of(7))
    expect((await coordinator.frames[Symbol.asyncIterator]().next()).value).toEqual(Uint8Array.of(7))
    const blob = new Uint8Array(randomBytes(100_000))
    coordinator.expect(blob.length)
    await site.upload(blob, sha256(blob))
    expect(same(await coordinator.take(sha256(blob)), blob)).toBe(true)
    const tunnels = proxy.lines.filter(({ type }) => type === 'tunnel')
    expect(tunnels.length).toBeGreaterThanOrEqual(2)
    for (const { to } of tunnels) expect(to).toBe(`127.0.0.1:${doors.port}`)
  })

  test('the requests of enrolment go through its tunnels too', async () => {
    const proxy = await startProxy()
    // No coordinator stands behind these doors: what counts is that the answer came through the tunnel.
    const asked = ask(new URL(`http://127.0.0.1:${doors.port}`), 'roster', {
      body: {},
      coordinator: new Uint8Array(32),
    })
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ROUTE' })
    expect(proxy.lines.some(({ type, to }) => type === 'tunnel' && to === `127.0.0.1:${doors.port}`)).toBe(true)
  })

  test('that lets no WebSocket through, requests are held open instead', async () => {
    await startProxy('no-upgrade')
    const { site, coordinator } = await linked(doors.port)
    const frames = {
      site: site.frames[Symbol.asyncIterator](),
      coordinator: coordinator.frames[Symbol.asyncIterator](),
    }
    for (let i = 0; i < 3; i++) {
      site.send(Uint8Array.of(i))
      expect((await frames.coordinator.next()).value).toEqual(Uint8Array.of(i))
      coordinator.send(Uint8Array.of(i, i))
      expect(new Uint8Array((await frames.site.next()).value)).toEqual(Uint8Array.of(i, i))
    }
  })

  test('NO_PROXY is heeded, and a proxy that is gone is an unreachable coordinator', async () => {
    process.env.http_proxy = 'http://127.0.0.1:9'
    await expect(connect(new URL(`http://127.0.0.1:${doors.port}`))).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
    process.env.no_proxy = '127.0.0.1'
    expect(proxyAgentFor(new URL(`http://127.0.0.1:${doors.port}`))).toBeUndefined()
    await linked(doors.port)
  })
})
