/** Two ends of a link whose connections break as they are told to: what was not delivered by then is lost. */

import type { Channel } from '../../protocol/wire/channel.ts'
import { LastingChannel } from '../../protocol/wire/lasting-channel.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'

export type End = 'site' | 'coordinator'

const other = { site: 'coordinator', coordinator: 'site' } as const

/** One connection: frames wait in each direction until they are delivered. */
class Connection {
  readonly waiting = { site: [] as Uint8Array[], coordinator: [] as Uint8Array[] }
  readonly #inboxes = { site: new Mailbox<Uint8Array>(), coordinator: new Mailbox<Uint8Array>() }
  #open = true

  end(end: End): Channel {
    return {
      send: (frame) => {
        if (this.#open) this.waiting[other[end]].push(frame)
      },
      frames: this.#inboxes[end],
      // What was said before is still delivered, as over a socket.
      close: () => {
        this.deliver(other[end], Number.POSITIVE_INFINITY)
        this.cut()
      },
    }
  }

  deliver(to: End, count: number): void {
    for (const frame of this.waiting[to].splice(0, count)) this.#inboxes[to].put(frame)
  }

  cut(): void {
    this.#open = false
    this.#inboxes.site.close()
    this.#inboxes.coordinator.close()
  }
}

export class LossyWire {
  readonly site: LastingChannel
  readonly coordinator: LastingChannel
  readonly read = { site: [] as Uint8Array[], coordinator: [] as Uint8Array[] }
  connections = 0
  #connection = new Connection()
  #broken = false

  constructor() {
    const lost = (): void => {
      this.#broken = true
    }
    this.site = new LastingChannel(lost)
    this.coordinator = new LastingChannel(lost)
    for (const end of ['site', 'coordinator'] as const) void this.#collect(end)
    this.connect()
  }

  /** As the handshake does: each tells the other how many frames it has taken. */
  connect(): void {
    this.#connection.cut()
    this.#connection = new Connection()
    this.#broken = false
    this.connections++
    this.coordinator.attach(this.#connection.end('coordinator'), this.site.received)
    this.site.attach(this.#connection.end('site'), this.coordinator.received)
  }

  cut(): void {
    this.#connection.cut()
  }

  deliver(to: End, count: number): void {
    this.#connection.deliver(to, count)
  }

  /** A frame on its way comes twice. */
  duplicate(to: End): void {
    const [first] = this.#connection.waiting[to]
    if (first !== undefined) this.#connection.waiting[to].unshift(first)
  }

  /** The next two frames on their way change places. */
  swap(to: End): void {
    const waiting = this.#connection.waiting[to]
    if (waiting.length > 1) waiting.splice(0, 2, waiting[1], waiting[0])
  }

  /** Lets both ends work, and connects them again where their connection has ended. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#broken) this.connect()
  }

  /** Until nothing is on its way. */
  async finish(): Promise<void> {
    do {
      this.deliver('site', Number.POSITIVE_INFINITY)
      this.deliver('coordinator', Number.POSITIVE_INFINITY)
      await this.settle()
    } while (this.#connection.waiting.site.length + this.#connection.waiting.coordinator.length > 0)
  }

  async #collect(end: End): Promise<void> {
    for await (const frame of this[end].frames) this.read[end].push(frame)
  }
}
