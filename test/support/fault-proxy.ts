/** A network that fails on request: it stands between a site and its coordinator and cuts, slows or swallows what passes. */

import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export class FaultProxy {
  readonly #target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Connections are refused. */
  #down = false
  /** Milliseconds that each chunk waits. */
  #lag = 0
  /** The next connection that has carried so many bytes towards the target is cut. */
  #cutAfter: number | undefined
  /** Bytes towards the target, over all connections. */
  carried = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((socket) => this.#open(socket))
  }

  static async to(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Ends every connection and refuses new ones until `heal`. */
  cut(): void {
    this.#down = true
    for (const socket of this.#sockets) socket.destroy()
  }

  slow(milliseconds: number): void {
    this.#lag = milliseconds
  }

  /** Cuts once: the first connection that has carried `bytes` towards the target; the others do not notice. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes
  }

  heal(): void {
    this.#down = false
    this.#lag = 0
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #open(client: Socket): void {
    if (this.#down) {
      client.destroy()
      return
    }
    const target = dial(this.#target, '127.0.0.1')
    void this.#carry(client, target, true)
    void this.#carry(target, client, false)
  }

  async #carry(from: Socket, to: Socket, outward: boolean): Promise<void> {
    this.#sockets.add(from)
    let passed = 0
    from.on('error', () => {})
    try {
      for await (const chunk of from) {
        const bytes: Buffer = chunk
        if (this.#lag > 0) await delay(this.#lag)
        passed += bytes.length
        if (outward) this.carried += bytes.length
        if (!to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')])
        if (outward && this.#cutAfter !== undefined && passed >= this.#cutAfter) {
          this.#cutAfter = undefined
          break
        }
      }
    } catch {
      // The connection broke: so does its other half.
    } finally {
      this.#sockets.delete(from)
      from.destroy()
      to.destroy()
    }
  }
}
