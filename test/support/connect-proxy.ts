/** An HTTP proxy as hospitals have them, as a process of its own: it opens tunnels (CONNECT), forwards nothing else, and tells each. */

import { createServer } from 'node:http'
import { connect } from 'node:net'

// With `no-upgrade` a tunnel that asks for a WebSocket is answered by nobody, as some inspecting proxies do.
const refusesUpgrades = process.argv[2] === 'no-upgrade'

const server = createServer((_request, response) => {
  response.writeHead(405).end()
})
server.on('connect', (request, client, head) => {
  const [host, port] = (request.url ?? '').split(':')
  console.log(JSON.stringify({ type: 'tunnel', to: request.url }))
  const target = connect(Number(port), host, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    if (head.length > 0) target.write(head)
    target.pipe(client)
  })
  client.on('data', (chunk: Buffer) => {
    if (refusesUpgrades && /^upgrade: websocket/im.test(chunk.toString('latin1'))) {
      client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      target.destroy()
    } else target.write(chunk)
  })
  for (const [end, other] of [
    [client, target],
    [target, client],
  ]) {
    end.on('error', () => other.destroy())
    end.on('close', () => other.destroy())
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(JSON.stringify({ type: 'listening', port: address?.port }))
})
