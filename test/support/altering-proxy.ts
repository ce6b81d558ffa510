/** An adversary between a browser and its coordinator: everything passes, but the files whose path ends so come with one line more. */

import { createServer, request } from 'node:http'

export interface AlteringProxy {
  readonly url: string
  close(): Promise<void>
}

/** What the line leaves behind where it is run. */
export const mark = 'stolen'

export async function alteringProxy(url: string, altered: readonly string[]): Promise<AlteringProxy> {
  const { hostname, port } = new URL(url)
  const server = createServer((asked, answer) => {
    // The coordinator refuses pages of other origins.
    const own = asked.headers.origin === undefined ? {} : { origin: url }
    const headers = { ...asked.headers, ...own, host: `${hostname}:${port}`, 'accept-encoding': 'identity' }
    const passed = request({ hostname, port, path: asked.url, method: asked.method, headers }, (told) => {
      const evil = altered.some((end) => asked.url?.endsWith(end))
      const { 'content-length': _length, ...rest } = told.headers
      answer.writeHead(told.statusCode ?? 502, evil ? rest : told.headers)
      told.pipe(answer, { end: !evil })
      if (evil) told.on('end', () => answer.end(`\n;globalThis.${mark} = true\n`))
    })
    asked.pipe(passed)
    passed.on('error', () => answer.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server without a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
