/** Feeds mutated frames to decoders: each gives a value or one of the two errors that a stranger may cause, within its memory. */

import { InputError, ProtocolError } from '../../protocol/errors.ts'
import type { Stream } from '../../protocol/stream.ts'
import { watchAllocations } from './allocations.ts'
import { mutate } from './mutate.ts'

/** A decoder, and frames that it takes. */
export interface Target {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  readonly decode: (bytes: Uint8Array) => unknown
  /** The most that may be asked for at once beside what is proportional to the frame. */
  readonly memory: number
  /** How much of the frames is this target's: a plan takes a hundred times as long as a message. */
  readonly weight: number
}

export interface Tally {
  readonly decoded: number
  readonly refused: number
}

/** Bytes that may be asked for at once, for each byte of a frame. */
const memoryEach = 16

/** @throws Error with the frame in hexadecimal where a decoder breaks its promise. */
export function fuzz(target: Target, frames: number, stream: Stream): Tally {
  let refused = 0
  const allocations = watchAllocations()
  try {
    for (let i = 0; i < frames; i++) {
      const frame = mutate(target.seeds[i % target.seeds.length], target.seeds, stream)
      const allowed = target.memory + memoryEach * frame.length
      allocations.take()
      try {
        if (!decodes(target, frame)) refused++
        const asked = allocations.take()
        if (asked > allowed) throw new Error(`asked for ${asked} bytes, ${allowed} are allowed`)
      } catch (error) {
        const found = Buffer.from(frame).toString('hex').slice(0, 8000)
        throw new Error(`${target.name} broke on frame ${i}: ${String(error)}\n${found}`, { cause: error })
      }
    }
  } finally {
    allocations.stop()
  }
  return { decoded: frames - refused, refused }
}

function decodes({ decode }: Target, frame: Uint8Array): boolean {
  try {
    decode(frame)
    return true
  } catch (error) {
    if (error instanceof InputError || error instanceof ProtocolError) return false
    throw error
  }
}

/** How many of all frames a target gets. */
export const shareOf = (target: Target, targets: readonly Target[], frames: number): number =>
  Math.ceil((frames * target.weight) / targets.reduce((sum, { weight }) => sum + weight, 0))
