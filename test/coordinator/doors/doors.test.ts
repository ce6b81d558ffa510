/** The doors under abuse: strangers are refused early and cheaply, and whoever is let in does not notice. */

import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { io } from 'socket.io-client'
import { afterEach, describe, expect, test } from 'vitest'
import { connect } from '../../../client-node/connect.ts'
import { type Coordinator, startCoordinator } from '../../../coordinator/coordinator.ts'
import { frameGate } from '../../../coordinator/doors/frames.ts'
import { doorLimits } from '../../../coordinator/doors/limits.ts'
import { isForeign } from '../../../coordinator/doors/requests.ts'

let running: Coordinator | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

async function doors(options: { readonly tls?: { readonly certificate: string; readonly key: string } } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  running = await startCoordinator({
    ...{ folder, host: '127.0.0.1', port: 0, roster: undefined, patience: 10_000, assembly: 0 },
    ...{ databaseUrl: undefined, blobsUrl: undefined, tls: options.tls },
  })
  return { folder, port: running.port, url: `http://127.0.0.1:${running.port}` }
}

/** What a raw connection is told before it ends. */
function raw(port: number, ...pieces: readonly string[]): { readonly socket: Socket; readonly said: Promise<string> } {
  const socket = connectTcp(port, '127.0.0.1')
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
  })
  for (const piece of pieces) socket.write(piece)
  const ended = new Promise<string>((resolve) => {
    socket.once('error', () => resolve(said))
    socket.once('close', () => resolve(said))
  })
  return { socket, said: ended }
}

const healthy = async (url: string): Promise<void> => {
  expect((await fetch(`${url}/health`)).status).toBe(200)
}

describe('requests', () => {
  test('with headers that are too many, no HTTP, or that trickle in are ended, and others are served meanwhile', async () => {
    const { port, url } = await doors()
    const large = raw(port, `GET /health HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(2 * doorLimits.headerBytes)}\r\n\r\n`)
    expect(await large.said).toContain('431')
    expect(await raw(port, '\x00\x01garbage\r\n\r\n').said).toContain('400')
    const slow = raw(port, 'GET /health HTTP/1.1\r\nhost: a\r\nx-slow: ')
    await healthy(url)
    expect(await slow.said).toContain('408')
    await healthy(url)
  })

  test('with a body that is too large or compressed are refused before it is read or unpacked', async () => {
    const { url } = await doors()
    const post = (body: string | Buffer<ArrayBuffer>, headers: Readonly<Record<string, string>>) =>
      fetch(`${url}/enrol/applications`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      })
    expect((await post(JSON.stringify({ name: 'x'.repeat(100_000) }), {})).status).toBe(413)
    const bomb = gzipSync(Buffer.alloc(10_000_000, 0x20))
    expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBe(415)
    const wrong = await post('{"name": 1}', {})
    expect([wrong.status, await wrong.json()]).toEqual([400, expect.objectContaining({ code: 'ERR_REQUEST' })])
    const broken = await post('{', {})
    expect(broken.status).toBe(400)
    expect(await broken.text()).not.toMatch(/ at .*\.[jt]s/)
  })

  test('carry secure headers back, and more of them than a minute allows are told to wait', async () => {
    const { url } = await doors()
    const health = await fetch(`${url}/health`)
    expect(health.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(health.headers.get('x-content-type-options')).toBe('nosniff')
    expect(health.headers.get('x-powered-by')).toBeNull()
    const statuses = await Promise.all(
      Array.from({ length: doorLimits.enrolmentPerMinute + 5 }, async () => {
        const answer = await fetch(`${url}/enrol/applications`, { method: 'POST' })
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    expect(statuses.filter((status) => status === 429)).toHaveLength(5)
    await healthy(url)
  })

  test('without a token reach no route of the API', async () => {
    const { url } = await doors()
    for (const path of ['runs', 'sites', 'tokens', 'invites', 'whatever']) {
      expect([path, (await fetch(`${url}/api/${path}`)).status]).toEqual([path, 401])
    }
  })
})

describe('links', () => {
  test("from another site's page are refused; a page of this coordinator and agents are let in", async () => {
    const { port, url } = await doors()
    const attempt = (origin: string) =>
      new Promise<boolean>((resolve) => {
        const socket = io(url, { transports: ['websocket'], reconnection: false, extraHeaders: { origin } })
        socket.once('connect', () => resolve(true))
        socket.once('connect_error', () => resolve(false))
      })
    expect(await attempt('https://evil.example')).toBe(false)
    expect(await attempt(`http://127.0.0.1:${port}`)).toBe(true)
    expect(isForeign('not a url', 'a')).toBe(true)
    const link = await connect(new URL(url))
    link.close()
  })

  test('that send anything but frames, or frames without end, are cut off alone', async () => {
    const { url } = await doors()
    const bystander = await connect(new URL(url))
    for (const garbage of [{ a: 1 }, 'text', new Uint8Array(2 << 20), null]) {
      const socket = io(url, { transports: ['websocket'], reconnection: false })
      const gone = new Promise((resolve) => socket.once('disconnect', resolve))
      socket.once('connect', () => socket.emit('frame', garbage))
      await gone
    }
    const flood = io(url, { transports: ['websocket'], reconnection: false })
    const gone = new Promise((resolve) => flood.once('disconnect', resolve))
    flood.once('connect', () => {
      for (let i = 0; i < 10_000; i++) flood.emit('frame', new Uint8Array(8))
    })
    await gone
    bystander.send(new Uint8Array([0]))
    await healthy(url)
    bystander.close()
  })

  test('may burst, then keep to a rate, by bytes and by number; a stranger may leave little unread', () => {
    let now = 0
    const gate = frameGate({ now: () => now })
    expect(gate.admits(10, doorLimits.waitingStranger)).toBe(false)
    gate.trust()
    expect(gate.admits(10, doorLimits.waitingStranger)).toBe(true)
    let large = 0
    while (gate.admits(1 << 20, 0)) large++
    expect(large).toBe((doorLimits.burstBytes >> 20) - 1)
    now += 1000
    let small = 0
    while (gate.admits(1, 0)) small++
    // What the large ones left over comes on top of a second's worth.
    expect(small).toBeGreaterThanOrEqual(doorLimits.bytesPerSecond / doorLimits.frameBytes)
    expect(small).toBeLessThan((2 * doorLimits.bytesPerSecond) / doorLimits.frameBytes + 1)
  })
})

test('a certificate serves https alone, is read again on request, and a broken one leaves the old in place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const make = (name: string) =>
    promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-keyout', tls.key, '-out', tls.certificate],
    ])
  await make('first')
  const { port } = await doors({ tls })
  const subject = () =>
    new Promise<unknown>((resolve, reject) => {
      const request = httpsRequest({
        port,
        host: '127.0.0.1',
        path: '/health',
        rejectUnauthorized: false,
        agent: false,
      })
      request.once('response', (response) => {
        resolve(response.socket instanceof TLSSocket ? response.socket.getPeerCertificate().subject.CN : undefined)
        response.resume()
      })
      request.once('error', reject)
      request.end()
    })
  expect(await subject()).toBe('first')
  await make('second')
  await running?.renewCertificate()
  expect(await subject()).toBe('second')
  await promisify(execFile)('cp', [tls.key, tls.certificate])
  await expect(running?.renewCertificate()).rejects.toMatchObject({ code: 'ERR_TLS' })
  expect(await subject()).toBe('second')
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow()
})
