/** A network that fails on request: it stands between a site and its coordinator and cuts or slows what passes, and strikes single frames. */

import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Units } from './websocket-units.ts'

/** What becomes of a frame of the link: it passes, it is lost with its connection, it comes twice, or after the next one. */
export type Fate = 'passes' | 'lost' | 'twice' | 'later'

export interface Passing {
  readonly frame: Uint8Array
  /** Towards the target, or from it. */
  readonly outward: boolean
}

interface Way {
  readonly outward: boolean
  /** Both of its ways share it: bytes towards the target. */
  readonly connection: { carried: number }
}

/** Milliseconds after which a frame that was to come later comes though no other has. */
const latest = 50

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
  /** What comes back next over a connection that has carried so many bytes towards the target is lost, and the connection. */
  #loseAnswerTo: number | undefined
  /** Asked about every frame of a WebSocket. */
  #fateOf: ((passing: Passing) => Fate) | undefined
  /** Bytes towards the target, over all connections. */
  carried = 0
  /** Bytes that came back from it. */
  returned = 0
  /** Frames by what became of them. */
  readonly struck: Record<Fate, number> = { passes: 0, lost: 0, twice: 0, later: 0 }

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

  /** Cuts once, where everything has arrived and the answer is on its way: over the first connection that has carried `bytes`. */
  loseAnswerTo(bytes: number): void {
    this.#loseAnswerTo = bytes
  }

  /** Strikes single frames; without an argument, none any more. */
  strike(fateOf?: (passing: Passing) => Fate): void {
    this.#fateOf = fateOf
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
    const connection = { carried: 0 }
    void this.#carry(client, target, { outward: true, connection })
    void this.#carry(target, client, { outward: false, connection })
  }

  async #carry(from: Socket, to: Socket, { outward, connection }: Way): Promise<void> {
    this.#sockets.add(from)
    const [units, passage] = [new Units(), new Passage(to)]
    from.on('error', () => {})
    try {
      for await (const chunk of from) {
        const bytes: Buffer = chunk
        if (this.#lag > 0) await delay(this.#lag)
        if (outward) {
          this.carried += bytes.length
          connection.carried += bytes.length
        } else {
          if (connection.carried >= (this.#loseAnswerTo ?? Number.POSITIVE_INFINITY)) {
            this.#loseAnswerTo = undefined
            return
          }
          this.returned += bytes.length
        }
        for (const { frame, bytes: unit } of units.push(bytes)) {
          const fate = frame === undefined ? 'passes' : (this.#fateOf?.({ frame, outward }) ?? 'passes')
          if (frame !== undefined) this.struck[fate]++
          if (fate === 'lost') return
          await passage.take(unit, fate)
        }
        if (outward && this.#cutAfter !== undefined && connection.carried >= this.#cutAfter) {
          this.#cutAfter = undefined
          break
        }
      }
    } catch {
      // The connection broke: so does its other half.
    } finally {
      this.#sockets.delete(from)
      passage.end()
      from.destroy()
      to.destroy()
    }
  }
}

/** What goes on to one side, in the order in which it does. */
class Passage {
  readonly #to: Socket
  #held: Buffer | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(to: Socket) {
    this.#to = to
  }

  async take(bytes: Buffer, fate: Exclude<Fate, 'lost'>): Promise<void> {
    if (fate === 'later' && this.#held === undefined) {
      this.#held = bytes
      this.#timer = setTimeout(() => this.#release(), latest)
      return
    }
    const flows = this.#to.write(fate === 'twice' ? Buffer.concat([bytes, bytes]) : bytes)
    this.#release()
    if (!flows) await Promise.race([once(this.#to, 'drain'), once(this.#to, 'close')])
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #release(): void {
    clearTimeout(this.#timer)
    if (this.#held !== undefined && !this.#to.destroyed) this.#to.write(this.#held)
    this.#held = undefined
  }
}
