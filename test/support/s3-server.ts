/** A small object store that speaks S3's protocol: it keeps objects in memory and checks every signature (AWS Signature Version 4). */

import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface S3Server {
  readonly url: string
  readonly objects: ReadonlyMap<string, Buffer>
  /** The next so many requests are answered with this status instead. */
  fail(status: number, times: number): void
  stop(): Promise<void>
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export async function startS3(credentials: Credentials): Promise<S3Server> {
  const objects = new Map<string, Buffer>()
  const failing: number[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const status = failing.shift()
      if (status !== undefined) response.writeHead(status).end('<Error/>')
      else if (!isSigned(request, body, credentials)) response.writeHead(403).end('<Code>SignatureDoesNotMatch</Code>')
      else answer(request, response, { body, objects })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/bucket/study`,
    objects,
    fail: (status, times) => failing.push(...Array.from({ length: times }, () => status)),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

interface Asked {
  readonly body: Buffer
  readonly objects: Map<string, Buffer>
}

function answer(request: IncomingMessage, response: ServerResponse, { body, objects }: Asked): void {
  const key = request.url ?? ''
  const found = objects.get(key)
  if (request.method === 'PUT') {
    objects.set(key, body)
    response.writeHead(200).end()
  } else if (request.method === 'DELETE') {
    objects.delete(key)
    response.writeHead(204).end()
  } else if (found === undefined) response.writeHead(404).end()
  else {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const part = found.subarray(start)
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': part.length })
    response.end(request.method === 'HEAD' ? undefined : part)
  }
}

/** The steps of "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference. */
function isSigned(
  request: IncomingMessage,
  body: Buffer,
  { accessKeyId, secretAccessKey, region }: Credentials,
): boolean {
  const header = request.headers.authorization ?? ''
  const [, id, day, signedHeaders, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/[^,]+, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    ) ?? []
  if (id !== accessKeyId || signedHeaders === undefined) return false
  const claimed = String(request.headers['x-amz-content-sha256'])
  if (claimed !== 'UNSIGNED-PAYLOAD' && claimed !== sha256(body)) return false
  const url = new URL(request.url ?? '', 'http://host')
  const canonical = [
    ...[request.method, url.pathname, url.searchParams.toString()],
    ...signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}`),
    ...['', signedHeaders, claimed],
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(Buffer.from(canonical))].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce(
    (previous: Buffer, part) => createHmac('sha256', previous).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
  return createHmac('sha256', key).update(text).digest('hex') === signature
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
