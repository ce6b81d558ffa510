/** The sites that are connected, and the runs each takes part in over its one link. */

import { toHex } from '../protocol/bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { CoordinatorLink } from '../protocol/wire/channel.ts'
import { envelope, openEnvelope } from '../protocol/wire/envelope.ts'
import { Mailbox } from '../protocol/wire/mailbox.ts'
import { encodeMessage, type RosterEntry } from '../protocol/wire/messages.ts'
import type { Members } from './members.ts'

/** A site that has proved its key, over a link of the version that was agreed on. */
export interface Arrival {
  readonly identity: Uint8Array
  readonly link: CoordinatorLink
  readonly version: number
  /** Opens the bulk plane. */
  readonly token: Uint8Array
}

interface OpenRun {
  readonly id: string
  readonly members: Members
  /** Names by key, and places in the run's own roster. */
  readonly places: ReadonlyMap<string, { readonly index: number; readonly name: string }>
}

interface Connected extends Arrival {
  readonly key: string
  readonly channels: Map<string, RunChannel>
}

export class Hub {
  readonly #connected = new Map<string, Connected>()
  /** In the order they were opened. */
  readonly #runs = new Map<string, OpenRun>()

  get size(): number {
    return this.#connected.size
  }

  /** An older link of the same site ends. */
  connect(arrival: Arrival): void {
    const key = toHex(arrival.identity)
    this.#cut(key, 'ERR_REPLACED', 'the site connected anew')
    const connected: Connected = { ...arrival, key, channels: new Map() }
    this.#connected.set(key, connected)
    arrival.link.authorise(arrival.token, () => this.#eachRun(connected, (members, index) => members.moved(index)))
    for (const run of this.#runs.values()) this.#enter(connected, run)
    void this.#listen(connected)
  }

  /** Every site of the run's roster that is here, or comes, is a member from now on. */
  open(id: string, members: Members, roster: readonly RosterEntry[]): void {
    const places = new Map(roster.map(({ name, identity }, index) => [toHex(identity), { index, name }]))
    const run = { id, members, places }
    this.#runs.set(id, run)
    for (const connected of this.#connected.values()) this.#enter(connected, run)
  }

  /** What was said to the members has been sent; nothing more is. */
  close(id: string): void {
    this.#runs.delete(id)
    for (const { channels } of this.#connected.values()) {
      channels.get(id)?.end()
      channels.delete(id)
    }
  }

  /** A site's link ends. */
  dismiss(identity: Uint8Array, code: string, reason: string): void {
    this.#cut(toHex(identity), code, reason)
  }

  closeAll(code: string, reason: string): void {
    for (const key of [...this.#connected.keys()]) this.#cut(key, code, reason)
  }

  #enter(connected: Connected, { id, members, places }: OpenRun): void {
    const place = places.get(connected.key)
    if (place === undefined) return
    // A site of version 1 is in one run at a time: the oldest that it has not finished.
    if (connected.version === 1 && connected.channels.size > 0) return
    connected.channels.get(id)?.end()
    const channel = new RunChannel(connected, id)
    connected.channels.set(id, channel)
    members.connect(place, channel)
  }

  async #listen(connected: Connected): Promise<void> {
    try {
      for await (const frame of connected.link.frames) {
        this.#eachRun(connected, (members, index) => members.heard(index))
        this.#take(connected, frame)
      }
      this.#gone(connected, 'ERR_LINK_LOST', 'the connection ended')
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#gone(connected, error.code, error.message)
    }
  }

  #take(connected: Connected, bytes: Uint8Array): void {
    if (connected.version === 1) {
      for (const channel of connected.channels.values()) channel.frames.put(bytes)
      return
    }
    const { run: id, frame } = openEnvelope(bytes)
    if (frame.length > 0) connected.channels.get(id)?.frames.put(frame)
    else {
      const run = this.#runs.get(id)
      if (run !== undefined) this.#enter(connected, run)
    }
  }

  /** Bytes or a heartbeat for one run show that the site is alive for all of them, and uploads do not say whose they are. */
  #eachRun({ key, channels }: Connected, tell: (members: Members, index: number) => void): void {
    for (const id of channels.keys()) {
      const run = this.#runs.get(id)
      const place = run?.places.get(key)
      if (run !== undefined && place !== undefined) tell(run.members, place.index)
    }
  }

  /** The end of an old link must not take the site's new one down. */
  #gone(connected: Connected, code: string, reason: string): void {
    if (this.#connected.get(connected.key) === connected) this.#cut(connected.key, code, reason)
  }

  #cut(key: string, code: string, reason: string): void {
    const connected = this.#connected.get(key)
    if (connected === undefined) return
    this.#connected.delete(key)
    for (const channel of connected.channels.values()) channel.end()
    for (const { members, places } of this.#runs.values()) {
      const place = places.get(key)
      if (place !== undefined) members.drop(place, code, reason)
    }
    connected.link.send(encodeMessage({ type: 'abort', attempt: 0, code, reason }))
    connected.link.close()
  }
}

/** One run's part of a site's link. */
class RunChannel implements CoordinatorLink {
  readonly frames = new Mailbox<Uint8Array>()
  readonly #connected: Connected
  readonly #run: string
  #ended = false
  #expected = 0

  constructor(connected: Connected, run: string) {
    this.#connected = connected
    this.#run = run
  }

  send(frame: Uint8Array): void {
    const { link, version } = this.#connected
    if (!this.#ended) link.send(version === 1 ? frame : envelope({ run: this.#run, frame }))
  }

  /** The run has done with this site for now; the link is other runs' too. */
  close(): void {
    this.end()
    if (this.#connected.version === 1) this.#connected.link.close()
  }

  end(): void {
    this.#ended = true
    this.frames.close()
  }

  /** The handshake has opened the bulk plane for all runs. */
  authorise(): void {}

  expect(maxBytes: number): void {
    this.#expected = maxBytes
    const { channels, link } = this.#connected
    link.expect(Math.max(...[...channels.values()].map((channel) => channel.#expected)))
  }

  take(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#connected.link.take(hash)
  }
}
