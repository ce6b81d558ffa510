/** Frames that outlast a connection: numbered, kept until the peer has them, and sent again over the next one. */

import { Reader, Writer } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { limits } from './limits.ts'

const numberedTag = 31
const acknowledgementTag = 32

/** Frames, or bytes of them, after which the peer is told that they have come, though nothing else is said. */
const untold = { frames: 8, bytes: 8_192 }

/** One end of a link: what it has sent and what it has taken, whatever connection carries it. */
export class NumberedFrames {
  /** As they went out, in order; the last one has the number `#sent`. */
  readonly #kept: Uint8Array[] = []
  #keptBytes = 0
  #sent = 0
  #received = 0
  #untoldFrames = 0
  #untoldBytes = 0

  /** The number of the last frame that was taken. */
  get received(): number {
    return this.#received
  }

  /** Frames that the peer may not have. */
  get kept(): number {
    return this.#kept.length
  }

  /** A frame as it goes out. @throws ProtocolError ERR_UNACKNOWLEDGED where more would wait for the peer than may. */
  number(frame: Uint8Array): Uint8Array {
    if (this.#kept.length >= limits.keptFrames || this.#keptBytes + frame.length > limits.keptBytes) {
      throw new ProtocolError(
        'ERR_UNACKNOWLEDGED',
        `${this.#kept.length} frames of ${this.#keptBytes} bytes wait for the peer, which is as many as are kept`,
      )
    }
    this.#sent++
    const out = new Writer().uint8(numberedTag).uint64(this.#sent).uint64(this.#tell()).raw(frame).finish()
    this.#kept.push(out)
    this.#keptBytes += out.length
    return out
  }

  /**
   * The frame in what came, or `undefined` where it tells nothing new.
   * @throws ProtocolError ERR_FRAME_GAP where frames before it are missing, ERR_FRAME where it is none of these.
   */
  take(bytes: Uint8Array): Uint8Array | undefined {
    const from = new Reader(bytes)
    const tag = from.uint8('frame tag')
    if (tag === acknowledgementTag) {
      this.#forget(from.uint64('acknowledgement'))
      from.end()
      return undefined
    }
    if (tag !== numberedTag) throw new ProtocolError('ERR_FRAME', `expected a numbered frame, found tag ${tag}`)
    const number = from.uint64('frame number')
    this.#forget(from.uint64('acknowledgement'))
    if (number <= this.#received) return undefined
    if (number > this.#received + 1)
      throw new ProtocolError('ERR_FRAME_GAP', `expected frame ${this.#received + 1}, found ${number}`)
    this.#received = number
    this.#untoldFrames++
    this.#untoldBytes += bytes.length
    return bytes.subarray(bytes.length - from.remaining)
  }

  /** An acknowledgement, where one is due. */
  acknowledgement(): Uint8Array | undefined {
    if (this.#untoldFrames < untold.frames && this.#untoldBytes < untold.bytes) return undefined
    return new Writer().uint8(acknowledgementTag).uint64(this.#tell()).finish()
  }

  /** What goes over a new connection first: the frames after `received`. @throws ProtocolError ERR_FRAME for a number that cannot be. */
  after(received: number): readonly Uint8Array[] {
    if (received < this.#sent - this.#kept.length)
      throw new ProtocolError('ERR_FRAME', `the peer had more than ${received} frames before`)
    this.#forget(received)
    return [...this.#kept]
  }

  #tell(): number {
    this.#untoldFrames = 0
    this.#untoldBytes = 0
    return this.#received
  }

  #forget(received: number): void {
    if (received > this.#sent)
      throw new ProtocolError('ERR_FRAME', `${this.#sent} frames were sent, ${received} acknowledged`)
    while (this.#sent - this.#kept.length < received) this.#keptBytes -= this.#kept.shift()?.length ?? 0
  }
}
