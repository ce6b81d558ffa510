/** The bytes of a WebSocket connection cut into what a fault can strike: one frame of the link a piece, everything else as it comes. */

import { decodeSecure } from '../../protocol/secagg/messages.ts'
import { openEnvelope } from '../../protocol/wire/envelope.ts'
import { decodeMessage } from '../../protocol/wire/messages.ts'

export interface Unit {
  /** As it passes on the wire. */
  readonly bytes: Buffer
  /** The frame of the link in it, where it is one. */
  readonly frame: Uint8Array | undefined
}

const headEnd = Buffer.from('\r\n\r\n')

/** One direction of a connection. */
export class Units {
  #kind: 'unknown' | 'plain' | 'frames' = 'unknown'
  #rest: Buffer = Buffer.alloc(0)
  /** The text packet that announces a binary one: the two are a unit. */
  #announced: Buffer | undefined;

  *push(chunk: Buffer): Generator<Unit> {
    if (this.#kind === 'plain') return yield { bytes: chunk, frame: undefined }
    this.#rest = Buffer.concat([this.#rest, chunk])
    if (this.#kind === 'unknown') {
      const end = this.#rest.indexOf(headEnd)
      if (end < 0) return
      const head = this.#rest.subarray(0, end + headEnd.length)
      this.#kind = /^upgrade: websocket\r$/im.test(head.toString('latin1')) ? 'frames' : 'plain'
      const bytes = this.#kind === 'frames' ? head : this.#rest
      this.#rest = this.#rest.subarray(bytes.length)
      yield { bytes, frame: undefined }
    }
    for (let unit = this.#next(); unit !== undefined; unit = this.#next()) {
      const { bytes, opcode, payload } = unit
      if (opcode === 1 && payload.subarray(0, 2).toString() === '45') this.#announced = bytes
      else if (opcode === 2 && this.#announced !== undefined) {
        yield { bytes: Buffer.concat([this.#announced, bytes]), frame: payload }
        this.#announced = undefined
      } else yield { bytes, frame: undefined }
    }
  }

  /** One WebSocket frame (RFC 6455, section 5.2), its payload without the mask. */
  #next(): { readonly bytes: Buffer; readonly opcode: number; readonly payload: Buffer } | undefined {
    const rest = this.#rest
    if (this.#kind !== 'frames' || rest.length < 2) return undefined
    const [masked, short] = [rest[1] >= 128, rest[1] & 127]
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    const start = 2 + lengthBytes + (masked ? 4 : 0)
    if (rest.length < start) return undefined
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    if (rest.length < start + length) return undefined
    const bytes = rest.subarray(0, start + length)
    this.#rest = rest.subarray(start + length)
    const payload = Buffer.from(bytes.subarray(start))
    if (masked) for (let i = 0; i < length; i++) payload[i] ^= bytes[start - 4 + (i % 4)]
    return { bytes, opcode: bytes[0] & 15, payload }
  }
}

/** What a frame of a link says: a message's type, that of the secure sum's message in it, or how it keeps the link together. */
export function typeOf(frame: Uint8Array): string {
  if (frame[0] === 32) return 'acknowledgement'
  if (frame[0] !== 31) return decodeMessage(frame).type
  const { frame: inner } = openEnvelope(frame.subarray(17))
  if (inner.length === 0) return 'offer-again'
  const message = decodeMessage(inner)
  return message.type === 'secure' ? decodeSecure(message.body).type : message.type
}
