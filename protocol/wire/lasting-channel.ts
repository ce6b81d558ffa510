/** A channel that outlasts its connections: each goes on with the frame at which the one before broke off. */

import { errorCode, ProtocolError } from '../errors.ts'
import type { Channel } from './channel.ts'
import { limits } from './limits.ts'
import { Mailbox } from './mailbox.ts'
import { decodeMessage, encodeMessage } from './messages.ts'
import { NumberedFrames } from './numbered.ts'

/** An abort that is not numbered ends the link; with this code the connection alone, because it lost a frame. */
const abortTag = encodeMessage({ type: 'abort', attempt: 0, code: '', reason: '' })[0]
const gap = 'ERR_FRAME_GAP'

/** Tells the peer that a connection, or with it the link, ends, and why. */
export const farewell = (code: string, reason: string): Uint8Array =>
  encodeMessage({ type: 'abort', attempt: 0, code, reason: reason.slice(0, limits.reason / 4) })

export class LastingChannel implements Channel {
  readonly frames = new Mailbox<Uint8Array>()
  readonly #numbers = new NumberedFrames()
  readonly #lost: () => void
  /** Told whether there is a connection, or there will be none. */
  #waiting: ((error?: ProtocolError) => void)[] = []
  #connection: Channel | undefined
  #ended: ProtocolError | undefined

  /** @param lost called when a connection has ended and the link has not. */
  constructor(lost: () => void) {
    this.#lost = lost
  }

  /** The number of the last frame that was taken. */
  get received(): number {
    return this.#numbers.received
  }

  /** Why the link has ended, once it has. */
  get ended(): ProtocolError | undefined {
    return this.#ended
  }

  /**
   * Goes on over `connection`, whose peer has taken so many frames; `first` is said before the others. An older connection
   * ends, and the link does where the peer cannot have taken so many.
   */
  attach(connection: Channel, taken: number, first?: Uint8Array): void {
    if (this.#ended !== undefined) {
      connection.close()
      return
    }
    this.#connection?.close()
    this.#connection = connection
    if (first !== undefined) connection.send(first)
    try {
      for (const bytes of this.#numbers.after(taken)) connection.send(bytes)
    } catch (error) {
      this.#fail(error)
      return
    }
    for (const tell of this.#waiting.splice(0)) tell()
    void this.#read(connection)
  }

  send(frame: Uint8Array): void {
    if (this.#ended !== undefined) return
    try {
      const bytes = this.#numbers.number(frame)
      this.#connection?.send(bytes)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Settles when there is a connection. @throws ProtocolError ERR_LINK_LOST where there will be none. */
  async connected(): Promise<void> {
    const ended =
      this.#connection !== undefined || this.#ended !== undefined
        ? this.#ended
        : await new Promise<ProtocolError | undefined>((resolve) => this.#waiting.push(resolve))
    if (ended !== undefined)
      throw new ProtocolError('ERR_LINK_LOST', `the link has ended: ${ended.message}`, ended.culprit)
  }

  close(): void {
    this.end(new ProtocolError('ERR_LINK_LOST', 'the link was closed'))
  }

  /** No further connection: the peer is told why, where one is left to tell it over. */
  end(error: ProtocolError): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    this.#connection?.send(farewell(error.code, error.message))
    this.#connection?.close()
    this.#connection = undefined
    this.frames.close()
    for (const tell of this.#waiting.splice(0)) tell(error)
  }

  async #read(connection: Channel): Promise<void> {
    try {
      for await (const bytes of connection.frames) {
        if (this.#connection !== connection) return
        if (bytes[0] === abortTag) throw said(bytes)
        const frame = this.#numbers.take(bytes)
        if (frame !== undefined) this.frames.put(frame)
        const acknowledgement = this.#numbers.acknowledgement()
        if (acknowledgement !== undefined) connection.send(acknowledgement)
      }
    } catch (error) {
      if (this.#connection !== connection) return
      if (!(error instanceof ProtocolError && error.code === gap)) return this.#fail(error)
      connection.send(farewell(error.code, error.message))
      connection.close()
    }
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#lost()
  }

  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error
    this.end(error)
  }
}

function said(bytes: Uint8Array): ProtocolError {
  const message = decodeMessage(bytes)
  if (message.type !== 'abort') throw new ProtocolError('ERR_FRAME', `expected an abort, found ${message.type}`)
  return new ProtocolError(errorCode(message.code), message.reason)
}
