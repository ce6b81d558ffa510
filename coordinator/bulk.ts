/** The bulk plane of the coordinator: resumable uploads staged on disk, published blobs served by hash. */

import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import express, { type Request, type Response, type Router } from 'express'
import { toHex } from '../protocol/bytes.ts'
import type { Channel, CoordinatorLink } from '../protocol/wire/channel.ts'
import type { Blobs } from './store/blobs/blobs.ts'
import { onStore } from './store/faults.ts'

/** What one peer may do on the bulk plane; found by the token its handshake was given. */
export interface Peer {
  maxUpload: number
  readonly progress: () => void
}

interface Staged {
  readonly path: string
  readonly length: number
  readonly hash: Hash
  received: number
  /** The request that brings its bytes, and when that is over. */
  busy: { readonly request: Request; readonly over: Promise<void> } | undefined
}

interface Complete {
  readonly path: string
  readonly length: number
}

export interface BulkPlane extends Staging {
  readonly router: Router
}

/** What a link needs of the plane. */
export interface Staging {
  /** Opens the plane for whoever shows the token. */
  admit(token: string, peer: Peer): void
  dismiss(token: string): Promise<void>
  /** The whole bytes of an upload whose hash held, once; `undefined` when there is none. */
  take(token: string, hash: string): Promise<Uint8Array | undefined>
}

export interface BulkOptions {
  /** Uploads are put together here. */
  readonly staging: string
  readonly published: Blobs
  /** The disk under the staging folder does not take what comes in. */
  readonly onFault: (error: unknown) => void
}

export async function bulkPlane({ staging, published, onFault }: BulkOptions): Promise<BulkPlane> {
  await onStore(staging, async () => {
    await rm(staging, { recursive: true, force: true })
    await mkdir(staging, { recursive: true, mode: 0o700 })
  })
  const peers = new Map<string, Peer>()
  const staged = new Map<string, Staged>()
  const complete = new Map<string, Complete>()
  const slot = (token: string, hash: string): string => `${token}/${hash}`

  const peerOf = (request: Request): { token: string; peer: Peer } | undefined => {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1]
    const peer = token === undefined ? undefined : peers.get(token)
    return token === undefined || peer === undefined ? undefined : { token, peer }
  }
  const refuse = (response: Response, status: number, code: string, message: string): void => {
    response.status(status).set('connection', 'close').json({ code, message })
  }

  const router = express.Router()
  router.param('hash', (request, response, next, hash: string) => {
    if (/^[0-9a-f]{64}$/.test(hash)) next()
    else refuse(response, 400, 'ERR_BLOB', `expected a SHA-256 in hexadecimal in ${request.path}`)
  })

  // Where an interrupted upload goes on: the bytes received so far, which may be all where only the answer was lost.
  router.get('/uploads/:hash', async (request, response) => {
    const known = peerOf(request)
    if (known === undefined) return refuse(response, 401, 'ERR_TOKEN', 'expected the token of this link')
    const key = slot(known.token, request.params.hash)
    await interrupt(staged.get(key))
    response.json({ received: complete.get(key)?.length ?? staged.get(key)?.received ?? 0 })
  })

  router.put('/uploads/:hash', async (request, response) => {
    const known = peerOf(request)
    if (known === undefined) return refuse(response, 401, 'ERR_TOKEN', 'expected the token of this link')
    const length = Number(request.headers['x-upload-length'])
    const offset = Number(request.headers['x-upload-offset'] ?? '0')
    if (!Number.isSafeInteger(length) || length < 1 || length > known.peer.maxUpload) {
      return refuse(
        response,
        413,
        'ERR_BLOB',
        `expected an upload of at most ${known.peer.maxUpload} bytes, found ${length}`,
      )
    }
    const key = slot(known.token, request.params.hash)
    await interrupt(staged.get(key))
    const upload = staged.get(key) ?? {
      path: join(staging, createHash('sha256').update(key).digest('hex')),
      length,
      hash: createHash('sha256'),
      received: 0,
      busy: undefined,
    }
    if (upload.length !== length || upload.received !== offset) {
      return refuse(
        response,
        409,
        'ERR_BLOB_OFFSET',
        `expected to go on at byte ${upload.received} of ${upload.length}`,
      )
    }
    staged.set(key, upload)
    try {
      const whole = await onStore(staging, () => append(upload, request, known.peer.progress))
      if (!whole) return refuse(response, 413, 'ERR_BLOB', `expected ${length} bytes, more came`)
    } catch (error) {
      onFault(error)
      return refuse(response, 507, 'ERR_STORE', 'the coordinator cannot take it now')
    }
    if (upload.received === upload.length) {
      staged.delete(key)
      const digest = upload.hash.digest('hex')
      if (digest !== request.params.hash) {
        await rm(upload.path, { force: true })
        return refuse(response, 422, 'ERR_BLOB', `expected bytes of SHA-256 ${request.params.hash}, found ${digest}`)
      }
      complete.set(key, { path: upload.path, length })
    }
    response.json({ received: upload.received })
  })

  router.get('/blobs/:hash', async (request, response) => {
    if (peerOf(request) === undefined) return refuse(response, 401, 'ERR_TOKEN', 'expected the token of this link')
    const { hash } = request.params
    const size = await published.size(hash)
    if (size === undefined) return refuse(response, 404, 'ERR_BLOB', `no blob ${hash}`)
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? '0')
    if (start > size) return refuse(response, 416, 'ERR_BLOB_OFFSET', `the blob has ${size} bytes`)
    response.status(start > 0 ? 206 : 200).set({
      'content-type': 'application/octet-stream',
      'content-length': String(size - start),
      'cache-control': 'no-store',
    })
    Readable.from(published.read(hash, start))
      .on('error', (error) => response.destroy(error))
      .pipe(response)
  })

  return {
    router,
    admit: (token, peer) => {
      peers.set(token, peer)
    },
    dismiss: async (token) => {
      peers.delete(token)
      for (const [key, { path }] of staged) if (key.startsWith(`${token}/`)) await discard(staged, key, path)
      for (const [key, { path }] of complete) if (key.startsWith(`${token}/`)) await discard(complete, key, path)
    },
    take: async (token, hash) => {
      const key = slot(token, hash)
      const path = complete.get(key)?.path
      if (path === undefined) return undefined
      const bytes = await readFile(path)
      await discard(complete, key, path)
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    },
  }
}

/** Ends the request that brings bytes of an upload: its connection may be gone without a word to this end. */
async function interrupt(upload: Staged | undefined): Promise<void> {
  for (let busy = upload?.busy; busy !== undefined; busy = upload?.busy) {
    busy.request.destroy()
    await busy.over
  }
}

/** Appends the request's body; false when more came than was announced. What came before a broken connection is kept. */
async function append(upload: Staged, request: Request, progress: () => void): Promise<boolean> {
  let end: () => void = () => {}
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  upload.busy = { request, over }
  const file = await open(upload.path, upload.received === 0 ? 'w' : 'a', 0o600)
  try {
    for await (const bytes of untilBroken(request)) {
      if (upload.received + bytes.length > upload.length) return false
      await file.writeFile(bytes)
      upload.hash.update(bytes)
      upload.received += bytes.length
      progress()
    }
    return true
  } finally {
    await file.close()
    upload.busy = undefined
    end()
  }
}

/** The body as far as it comes: a peer whose connection broke asks where to go on and sends the rest. */
async function* untilBroken(request: Request): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of request) yield chunk
  } catch {
    // Only reading is in here: what the disk says comes from whoever reads this.
  }
}

async function discard<T>(from: Map<string, T>, key: string, path: string): Promise<void> {
  from.delete(key)
  await rm(path, { force: true })
}

/** A site's link: its frames, and beside them the bytes that are uploaded with its token. */
export function linkBeside(
  channel: Channel,
  bulk: Staging,
  { token: bytes, progress }: { readonly token: Uint8Array; readonly progress: () => void },
): CoordinatorLink {
  const token = toHex(bytes)
  const peer: Peer = { maxUpload: 0, progress }
  bulk.admit(token, peer)
  return {
    frames: channel.frames,
    send: (frame) => channel.send(frame),
    close: () => {
      channel.close()
      void bulk.dismiss(token)
    },
    expect: (maxBytes) => {
      peer.maxUpload = maxBytes
    },
    take: (hash) => bulk.take(token, toHex(hash)),
  }
}
