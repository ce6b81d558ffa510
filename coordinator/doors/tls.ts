/** The listening server: plain HTTP for loopback or behind a reverse proxy, HTTPS with a given certificate. */

import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import { InputError } from '../../protocol/errors.ts'
import { doorLimits } from './limits.ts'

export interface TlsFiles {
  /** PEM: the certificate and its chain. */
  readonly certificate: string
  /** PEM, readable by this user alone. */
  readonly key: string
}

export interface Listener {
  readonly server: Server
  /** Reads the certificate again, for connections to come. @throws InputError ERR_TLS: then the old one stays. */
  readonly renew: () => Promise<void>
}

/** @throws InputError ERR_TLS */
export async function openListener(app: RequestListener, tls: TlsFiles | undefined): Promise<Listener> {
  // Uploads may take as long as bytes flow, so there is no limit on a whole request.
  const options = {
    requestTimeout: 0,
    headersTimeout: doorLimits.headers,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: doorLimits.headerBytes,
  }
  if (tls === undefined) return { server: createServer(options, app), renew: async () => {} }
  const server = createSecureServer({ ...options, ...(await read(tls)), minVersion: 'TLSv1.2' }, app)
  return { server, renew: async () => server.setSecureContext(await read(tls)) }
}

async function read({ certificate, key }: TlsFiles): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  const [cert, secret] = await Promise.all([certificate, key].map(readPem))
  try {
    createSecureContext({ cert, key: secret })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError('ERR_TLS', `the certificate and its key cannot be used: ${reason}`, certificate)
  }
  return { cert, key: secret }
}

const readPem = (path: string): Promise<Buffer> =>
  readFile(path).catch((error: unknown) => {
    throw new InputError('ERR_TLS', error instanceof Error ? error.message : String(error), path)
  })
