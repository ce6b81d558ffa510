/** Preflight: what commonly stops a site from taking part is found before it enrols, with what to do about it. */

import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Random } from '../protocol/random.ts'
import { greet, type Identity } from '../protocol/wire/handshake.ts'
import { connect } from './connect.ts'
import { proxyAgentFor } from './proxy.ts'
import { request } from './request.ts'

export interface Finding {
  readonly check: 'proxy' | 'reach' | 'tls' | 'clock' | 'key' | 'disk'
  readonly verdict: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

export interface PreflightOptions {
  readonly url: URL
  /** The coordinator's pinned key. */
  readonly coordinator: Uint8Array
  readonly identity: Identity
  /** Where the agent keeps its files. */
  readonly folder: string
  readonly random: Random
  readonly now: () => number
}

const day = 86_400_000
/** Receipts, ledger and one model; a full disk would stop the site in the middle of a round. */
const wantedBytes = 200 * 2 ** 20

/** Every check is made, also after one that failed: a person wants the whole list at once. */
export async function preflight(options: PreflightOptions): Promise<readonly Finding[]> {
  const health = await reach(options.url)
  return [
    proxy(options.url),
    health.finding,
    await tls(options.url, options.now()),
    clock(health.date, options.now()),
    await key(options),
    await disk(options.folder),
  ]
}

function proxy(url: URL): Finding {
  const direct = proxyAgentFor(url) === undefined
  const detail = direct
    ? 'no proxy is set for this address, connections go out directly'
    : 'connections go through the proxy that HTTPS_PROXY or HTTP_PROXY names'
  return { check: 'proxy', verdict: 'ok', detail }
}

async function reach(url: URL): Promise<{ readonly finding: Finding; readonly date: string | undefined }> {
  try {
    const base = url.href.endsWith('/') ? url.href : `${url.href}/`
    const signal = AbortSignal.timeout(10_000)
    const { status, date } = await request(new URL('health', base), { method: 'GET', headers: {}, signal })
    if (status === 200) return { finding: { check: 'reach', verdict: 'ok', detail: `${url.host} answers` }, date }
    const detail = `${url.host} answers ${status}; is this the address of a coordinator?`
    return { finding: { check: 'reach', verdict: 'failed', detail }, date }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    const detail = `${url.host} cannot be reached (${cause}); outbound connections to it must be allowed`
    return { finding: { check: 'reach', verdict: 'failed', detail }, date: undefined }
  }
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

async function tls(url: URL, now: number): Promise<Finding> {
  if (url.protocol !== 'https:') {
    return loopback.test(url.hostname)
      ? { check: 'tls', verdict: 'ok', detail: 'this machine itself, no TLS needed' }
      : { check: 'tls', verdict: 'warning', detail: 'http: models and sums can be read on the way; ask for https' }
  }
  const until = await certificateEnd(url)
  if (until instanceof Error) return { check: 'tls', verdict: 'failed', detail: until.message }
  const days = Math.floor((until - now) / day)
  return days < 14
    ? { check: 'tls', verdict: 'warning', detail: `the certificate ends in ${days} days; tell the operator` }
    : { check: 'tls', verdict: 'ok', detail: `the certificate is good for ${days} days` }
}

/** When the certificate ends, or why the connection did not come to be. */
function certificateEnd(url: URL): Promise<number | Error> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 443),
      servername: url.hostname,
      timeout: 10_000,
    })
    const settle = (outcome: number | Error): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.once('secureConnect', () => settle(Date.parse(socket.getPeerCertificate().valid_to)))
    socket.once('timeout', () => settle(new Error('no answer within ten seconds')))
    socket.once('error', settle)
  })
}

function clock(date: string | undefined, now: number): Finding {
  if (date === undefined) return { check: 'clock', verdict: 'warning', detail: "the coordinator's time is not known" }
  const minutes = Math.round(Math.abs(now - Date.parse(date)) / 60_000)
  if (minutes < 5) return { check: 'clock', verdict: 'ok', detail: "within five minutes of the coordinator's" }
  return { check: 'clock', verdict: 'failed', detail: `${minutes} minutes off the coordinator's; set it (NTP)` }
}

/** A handshake as a stranger: WebSockets pass, and the coordinator proves its key before it turns the stranger away. */
async function key({ url, coordinator, identity, random }: PreflightOptions): Promise<Finding> {
  try {
    const link = await connect(url)
    try {
      await greet(link, coordinator, { identity, verify: nodeProvider.ed25519Verify, random })
    } finally {
      link.close()
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    if (error.code !== 'ERR_UNKNOWN_SITE') return { check: 'key', verdict: 'failed', detail: error.message }
  }
  return { check: 'key', verdict: 'ok', detail: 'the coordinator proved the key in the invitation' }
}

async function disk(folder: string): Promise<Finding> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const probe = join(folder, '.preflight')
    await writeFile(probe, 'x', { mode: 0o600 })
    await rm(probe)
    const { bavail, bsize } = await statfs(folder)
    const megabytes = Math.floor((bavail * bsize) / 2 ** 20)
    return bavail * bsize < wantedBytes
      ? { check: 'disk', verdict: 'failed', detail: `${megabytes} MB are free, at least 200 are needed` }
      : { check: 'disk', verdict: 'ok', detail: `${megabytes} MB are free` }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { check: 'disk', verdict: 'failed', detail: `nothing can be written to ${folder}: ${reason}` }
  }
}
