/** Several runs over one link: each frame of a run travels in an envelope with the run's id. */

import { concat, fromHex, toHex } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { limits } from './limits.ts'

const tag = 30
const idBytes = 8

export interface Enveloped {
  /** The run's id, 16 hexadecimal digits. */
  readonly run: string
  /** A frame of the run. An empty one, from a site, asks for the run's offer anew. */
  readonly frame: Uint8Array
}

export const envelope = ({ run, frame }: Enveloped): Uint8Array => concat(Uint8Array.of(tag), fromHex(run), frame)

/** @throws ProtocolError ERR_FRAME. */
export function openEnvelope(bytes: Uint8Array): Enveloped {
  if (bytes.length > limits.frame || bytes.length < 1 + idBytes || bytes[0] !== tag) {
    throw new ProtocolError(
      'ERR_FRAME',
      `expected a frame of a run (tag ${tag}), found ${bytes.length} bytes of tag ${bytes[0]}`,
    )
  }
  return { run: toHex(bytes.subarray(1, 1 + idBytes)), frame: bytes.subarray(1 + idBytes) }
}
