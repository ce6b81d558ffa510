/** What a site must remember across a crash so that it never answers twice: written durably before a message is sent. */

import { Reader, Writer } from '../bytes.ts'

/** A place for one small record. `commit` returns when the record would survive a power cut. */
export interface AnswerLog {
  load(): Promise<Uint8Array | undefined>
  commit(record: Uint8Array): Promise<void>
}

export interface AnswerRecord {
  readonly session: Uint8Array
  /** The highest attempt for which anything was uploaded. */
  readonly attempt: number
  /** The last state for which shares were revealed, and for which survivors. */
  readonly revealed: { readonly stateHash: Uint8Array; readonly survivors: readonly number[] } | undefined
}

export function encodeRecord({ session, attempt, revealed }: AnswerRecord): Uint8Array {
  const to = new Writer()
    .raw(session)
    .uint64(attempt)
    .uint8(revealed === undefined ? 0 : 1)
  if (revealed !== undefined) to.raw(revealed.stateHash).list(revealed.survivors, (index, w) => w.uint32(index))
  return to.finish()
}

export function decodeRecord(bytes: Uint8Array): AnswerRecord {
  const from = new Reader(bytes)
  const session = from.raw('session', 32)
  const attempt = from.uint64('attempt')
  const revealed =
    from.uint8('revealed', { max: 1 }) === 0
      ? undefined
      : {
          stateHash: from.raw('state hash', 32),
          survivors: from.list('survivors', { max: 255 }, (r) => r.uint32('survivor')),
        }
  from.end()
  return { session, attempt, revealed }
}
