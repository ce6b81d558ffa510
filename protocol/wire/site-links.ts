/** The links of a site, one after the other: each comes back over a new connection for as long as the coordinator keeps it. */

import { ProtocolError } from '../errors.ts'
import type { Channel, SiteLink } from './channel.ts'
import { type Agreed, type Broken, greet, type HandshakeContext, lastingVersion } from './handshake.ts'
import { LastingChannel } from './lasting-channel.ts'
import { type Carrier, carrierWith, download, upload } from './transfer.ts'

/** How often a site tries to come back to a link, a minute or so, before it begins anew. */
const returnAttempts = 8

export interface Way {
  /** Connects once. @throws ProtocolError ERR_UNREACHABLE */
  readonly connect: () => Promise<Channel>
  readonly carrier: Carrier
  /** The coordinator's pinned key. */
  readonly coordinator: Uint8Array
  readonly context: HandshakeContext
  /** Whether trying again would be of no use. */
  readonly isFinal: (error: ProtocolError) => boolean
  /** Waits before a connection that was lost is tried again, the longer the more often it failed. */
  readonly pause: (failures: number, reason: string) => Promise<void>
  /** A link goes on where it stopped. */
  readonly resumed: () => void
}

export interface OpenLink extends SiteLink {
  /** Why the link has ended, once its frames have. */
  readonly ended: () => ProtocolError | undefined
}

type Opened = Agreed & { readonly connection: Channel }

export class SiteLinks {
  readonly #way: Way
  /** Given by the coordinator in the place of a link that it no longer had. */
  #instead: Opened | undefined

  constructor(way: Way) {
    this.#way = way
  }

  /** @throws ProtocolError where there is no coordinator, or it turns this site away. */
  async next(): Promise<OpenLink> {
    const opened = this.#instead ?? (await this.#open())
    this.#instead = undefined
    const { version, connection, token } = opened
    const carrier = carrierWith(this.#way.carrier, token)
    if (version < lastingVersion) return { ...siteLink(connection, carrier), ended: () => undefined }
    const channel: LastingChannel = new LastingChannel(() => void this.#comeBack(channel, token))
    channel.attach(connection, 0)
    const wait = async (milliseconds: number): Promise<void> => {
      await carrier.wait(milliseconds)
      await channel.connected()
    }
    return { ...siteLink(channel, { ...carrier, wait }), ended: () => channel.ended }
  }

  /** No further link will be asked for. */
  close(): void {
    this.#instead?.connection.close()
    this.#instead = undefined
  }

  async #open(broken?: Broken): Promise<Opened> {
    const { connect, coordinator, context } = this.#way
    const connection = await connect()
    try {
      return { ...(await greet(connection, coordinator, context, broken)), connection }
    } catch (error) {
      connection.close()
      throw error
    }
  }

  async #comeBack(channel: LastingChannel, token: Uint8Array): Promise<void> {
    const { isFinal, pause, resumed } = this.#way
    let lost = new ProtocolError('ERR_LINK_LOST', 'the connection was lost', 'coordinator')
    for (let failures = 0; failures < returnAttempts && !isFinal(lost); failures++) {
      await pause(failures, lost.message)
      if (channel.ended !== undefined) return
      try {
        const opened = await this.#open({ token, received: channel.received })
        if (channel.ended !== undefined) return opened.connection.close()
        if (opened.resumed !== undefined) {
          channel.attach(opened.connection, opened.resumed)
          return resumed()
        }
        this.#instead = opened
        break
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        lost = error
      }
    }
    channel.end(lost)
  }
}

/** Control frames over a channel, and bulk bytes beside it. */
export const siteLink = (channel: Channel, carrier: Carrier): SiteLink => ({
  frames: channel.frames,
  send: (frame) => channel.send(frame),
  close: () => channel.close(),
  upload: (blob, hash) => upload(carrier, blob, hash),
  download: (hash, maxBytes) => download(carrier, hash, maxBytes),
})
