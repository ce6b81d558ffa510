/** What a site must remember across a crash so that it never answers twice: written durably before a message is sent. */

import { equalBytes, Reader, Writer } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'

/** A place for one small record a session. `commit` returns when the record would survive a power cut. */
export interface AnswerLog {
  /** `undefined` only where nothing was ever committed: a log that cannot be read must fail, not forget. */
  load(session: Uint8Array): Promise<Uint8Array | undefined>
  commit(record: Uint8Array, session: Uint8Array): Promise<void>
}

export interface AnswerRecord {
  readonly session: Uint8Array
  /** The highest attempt for which anything was uploaded. */
  readonly attempt: number
  /** The last state for which shares were revealed, for which survivors, and what this site had contributed. */
  readonly revealed: Revealed | undefined
  /** The states before it, as the first half of their hashes. */
  readonly earlier: readonly Uint8Array[]
}

export interface Revealed {
  readonly stateHash: Uint8Array
  readonly survivors: readonly number[]
  /** SHA-256 of the encoded vector before it was masked; stays at the site. */
  readonly contribution: Uint8Array
}

const version = 2
const halfHash = 16
/** States that are remembered: a coordinator that goes back further finds its masks, not its memory, in the way. */
const remembered = 1024

export const newRecord = (session: Uint8Array): AnswerRecord => ({
  session,
  attempt: 0,
  revealed: undefined,
  earlier: [],
})

/** The record with one more reveal; the same one again, over the same state, changes nothing. */
export function withReveal(record: AnswerRecord, revealed: Revealed): AnswerRecord {
  const before = record.revealed
  if (before === undefined || equalBytes(before.stateHash, revealed.stateHash)) return { ...record, revealed }
  const earlier = [...record.earlier, before.stateHash.slice(0, halfHash)].slice(-remembered)
  return { ...record, revealed, earlier }
}

/** Whether shares were revealed for a state before the last one. */
export const isEarlier = ({ earlier }: AnswerRecord, stateHash: Uint8Array): boolean =>
  earlier.some((half) => equalBytes(half, stateHash.subarray(0, halfHash)))

export function encodeRecord({ session, attempt, revealed, earlier }: AnswerRecord): Uint8Array {
  const to = new Writer()
    .uint8(version)
    .raw(session)
    .uint64(attempt)
    .list(earlier, (half, w) => w.raw(half))
    .uint8(revealed === undefined ? 0 : 1)
  if (revealed === undefined) return to.finish()
  return to
    .raw(revealed.stateHash)
    .list(revealed.survivors, (index, w) => w.uint32(index))
    .raw(revealed.contribution)
    .finish()
}

/** @throws ProtocolError ERR_FRAME. */
export function decodeRecord(bytes: Uint8Array): AnswerRecord {
  const from = new Reader(bytes)
  const found = from.uint8('record version')
  if (found !== version)
    throw new ProtocolError('ERR_FRAME', `expected an answer record of version ${version}, found ${found}`)
  const session = from.raw('session', 32)
  const attempt = from.uint64('attempt')
  const earlier = from.list('earlier states', { max: remembered }, (r) => r.raw('half a state hash', halfHash))
  const revealed =
    from.uint8('revealed', { max: 1 }) === 0
      ? undefined
      : {
          stateHash: from.raw('state hash', 32),
          survivors: from.list('survivors', { max: 255 }, (r) => r.uint32('survivor')),
          contribution: from.raw('contribution', 32),
        }
  from.end()
  return { session, attempt, revealed, earlier }
}
