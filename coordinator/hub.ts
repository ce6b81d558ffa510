/** The sites that are connected, and the runs each takes part in over its one link. */

import { equalBytes, toHex } from '../protocol/bytes.ts'
import { errorCode, ProtocolError } from '../protocol/errors.ts'
import type { Channel, CoordinatorLink } from '../protocol/wire/channel.ts'
import { envelope, openEnvelope } from '../protocol/wire/envelope.ts'
import { lastingVersion, resumed } from '../protocol/wire/handshake.ts'
import { farewell, LastingChannel } from '../protocol/wire/lasting-channel.ts'
import { Mailbox } from '../protocol/wire/mailbox.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { linkBeside, type Staging } from './bulk.ts'
import type { Clock } from './clock.ts'
import type { Members } from './members.ts'

/** A site that has proved its key, over a connection of the version that was agreed on. */
export interface Arrival {
  readonly identity: Uint8Array
  readonly connection: Channel
  readonly version: number
  /** What it says it runs on, where it says so. */
  readonly agent?: string | undefined
  /** Opens the bulk plane. */
  readonly token: Uint8Array
}

/** How a site stands with this coordinator process. */
export interface Standing {
  /** `away` while a link whose connection broke is kept. */
  readonly link: 'connected' | 'away' | 'gone'
  /** Milliseconds since 1970 of the last frame, to ten seconds. */
  readonly heard: number
  /** Of the protocol. */
  readonly version: number
  readonly agent: string
}

/** To what `heard` is told: who watches is not told of every heartbeat. */
const heardMilliseconds = 10_000

/** A site that has proved that a link is its own. */
export interface Return extends Pick<Arrival, 'identity' | 'connection' | 'token'> {
  /** Frames of the link that the site has. */
  readonly taken: number
}

export interface HubOptions {
  readonly bulk: Staging
  readonly clock: Clock
  /** Milliseconds for which a link whose connection broke is kept. */
  readonly patience: number
}

interface OpenRun {
  readonly id: string
  readonly members: Members
  /** Names by key, and places in the run's own roster. */
  readonly places: ReadonlyMap<string, { readonly index: number; readonly name: string }>
}

interface Connected {
  readonly key: string
  readonly token: Uint8Array
  readonly link: CoordinatorLink
  /** The link's frames, where they outlast a connection. */
  readonly lasting: LastingChannel | undefined
  readonly channels: Map<string, RunChannel>
  /** Ends the waiting for another connection, while there is none. */
  away: AbortController | undefined
}

export class Hub {
  readonly #options: HubOptions
  readonly #connected = new Map<string, Connected>()
  /** In the order they were opened. */
  readonly #runs = new Map<string, OpenRun>()
  /** What is known of the sites that this process has seen, by their keys. */
  readonly #seen = new Map<string, Pick<Standing, 'version' | 'agent'> & { heard: number }>()

  constructor(options: HubOptions) {
    this.#options = options
  }

  /** Sites that are connected now. */
  get size(): number {
    return [...this.#connected.values()].filter(({ away }) => away === undefined).length
  }

  /** An older link of the same site ends. */
  connect({ identity, connection, version, agent, token }: Arrival): void {
    const key = toHex(identity)
    this.#cut(key, 'ERR_REPLACED', 'the site connected anew')
    const lasting = version < lastingVersion ? undefined : new LastingChannel(() => this.#lost(connected))
    const link = linkBeside(lasting ?? connection, this.#options.bulk, {
      token,
      progress: () => this.#eachRun(connected, (members, index) => members.moved(index)),
    })
    const connected: Connected = { key, token, link, lasting, channels: new Map(), away: undefined }
    this.#connected.set(key, connected)
    // A link that begins anew in the place of one that ended meanwhile says nothing again.
    const said = agent ?? this.#seen.get(key)?.agent ?? ''
    this.#seen.set(key, { version, agent: said, heard: this.#options.clock.now() })
    lasting?.attach(connection, 0)
    for (const run of this.#runs.values()) this.#enter(connected, run)
    void this.#listen(connected)
  }

  /** `undefined` for a site that this process has not seen. */
  standing(identity: Uint8Array): Standing | undefined {
    const key = toHex(identity)
    const seen = this.#seen.get(key)
    if (seen === undefined) return undefined
    const connected = this.#connected.get(key)
    const link = connected === undefined ? 'gone' : connected.away === undefined ? 'connected' : 'away'
    return { ...seen, link, heard: Math.floor(seen.heard / heardMilliseconds) * heardMilliseconds }
  }

  /** What a site has to know to have its link back. */
  tokenOf(identity: Uint8Array): Uint8Array | undefined {
    const connected = this.#connected.get(toHex(identity))
    return connected?.lasting && connected.token
  }

  /** A link goes on over another connection. @returns false where there is no such link any more. */
  resume({ identity, connection, token, taken }: Return): boolean {
    const connected = this.#connected.get(toHex(identity))
    if (connected?.lasting === undefined || !equalBytes(connected.token, token)) return false
    connected.away?.abort()
    connected.away = undefined
    connected.lasting.attach(connection, taken, resumed(connected.lasting.received))
    this.#eachRun(connected, (members, index) => members.back(index))
    return true
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
      channels.get(id)?.close()
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
    connected.channels.get(id)?.close()
    const channel = new RunChannel(connected, id)
    connected.channels.set(id, channel)
    members.connect(place, channel)
    if (connected.away !== undefined) members.away(place.index)
  }

  async #listen(connected: Connected): Promise<void> {
    try {
      for await (const frame of connected.link.frames) {
        const seen = this.#seen.get(connected.key)
        if (seen !== undefined) seen.heard = this.#options.clock.now()
        this.#eachRun(connected, (members, index) => members.heard(index))
        this.#take(connected, frame)
      }
      const { code, message } = connected.lasting?.ended ?? {}
      this.#gone(connected, code ?? 'ERR_LINK_LOST', message ?? 'the connection ended')
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#gone(connected, error.code, error.message)
    }
  }

  #take(connected: Connected, bytes: Uint8Array): void {
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

  /** The connection of a link has broken: for a while the site may come back to it. */
  #lost(connected: Connected): void {
    const away = new AbortController()
    connected.away = away
    this.#eachRun(connected, (members, index) => members.away(index))
    const { clock, patience } = this.#options
    void clock.wait(patience, away.signal).then(() => {
      if (!away.signal.aborted) this.#gone(connected, 'ERR_LINK_LOST', 'the connection was lost and did not come back')
    })
  }

  /** The end of an old link must not take the site's new one down. */
  #gone(connected: Connected, code: string, reason: string): void {
    if (this.#connected.get(connected.key) === connected) this.#cut(connected.key, code, reason)
  }

  #cut(key: string, code: string, reason: string): void {
    const connected = this.#connected.get(key)
    if (connected === undefined) return
    this.#connected.delete(key)
    connected.away?.abort()
    for (const channel of connected.channels.values()) channel.close()
    for (const { members, places } of this.#runs.values()) {
      const place = places.get(key)
      if (place !== undefined) members.drop(place, code, reason)
    }
    const error = new ProtocolError(errorCode(code), reason)
    if (connected.lasting !== undefined) connected.lasting.end(error)
    else connected.link.send(farewell(code, reason))
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
    if (!this.#ended) this.#connected.link.send(envelope({ run: this.#run, frame }))
  }

  /** The run has done with this site for now; the link is other runs' too. */
  close(): void {
    this.#ended = true
    this.frames.close()
  }

  expect(maxBytes: number): void {
    this.#expected = maxBytes
    const { channels, link } = this.#connected
    link.expect(Math.max(...[...channels.values()].map((channel) => channel.#expected)))
  }

  take(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#connected.link.take(hash)
  }
}
