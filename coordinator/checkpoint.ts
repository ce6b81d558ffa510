/** Where a run stands after the rounds its journal has committed: what a restarted coordinator goes on from. */

import type { Algorithm } from '../protocol/algorithm.ts'
import { fromHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import type { JournalEntry } from '../protocol/journal/entries.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import type { BlobStore } from '../protocol/wire/channel.ts'

export interface Checkpoint<State> {
  readonly state: State
  /** Rounds that were committed. */
  readonly rounds: number
  /** The last attempt that was begun; an attempt is never begun twice. 0 before the first. */
  readonly attempt: number
  /** Whether that attempt was left in the middle. */
  readonly interrupted: boolean
  /** Whether the journal has its last entry: only the sites and the operator may still have to be told. */
  readonly finished: boolean
  /** Transcripts of the last round that was committed. */
  readonly transcripts: readonly Uint8Array[]
  /** Names of the sites that shares were asked about in attempts at the round to come. */
  readonly asked: readonly string[]
}

/** @returns `undefined` for a journal that has not begun. @throws InputError ERR_STORE where the committed state is gone. */
export async function checkpointOf<State, Site>(
  entries: readonly JournalEntry[],
  algorithm: Algorithm<State, Site>,
  blobs: BlobStore,
): Promise<Checkpoint<State> | undefined> {
  if (!entries.some(({ type }) => type === 'roster')) return undefined
  const committed = entries.filter((entry) => entry.type === 'round')
  const begun = entries.filter((entry) => entry.type === 'round-start')
  const ended = entries.filter((entry) => entry.type === 'round' || entry.type === 'abort')
  const attempt = begun.at(-1)?.attempt ?? 0
  const last = committed.at(-1)
  const interrupted = attempt > 0 && !ended.some((entry) => entry.attempt === attempt)
  const state = last === undefined ? algorithm.init() : await committedState(last.stateHash, algorithm, blobs)
  const finished = entries.some(({ type }) => type === 'finish')
  const transcripts = (last?.transcripts ?? []).map(fromHex)
  const asked = entries.flatMap((entry) =>
    entry.type === 'survivors' && roundOf(entry.attempt) === committed.length ? entry.sites : [],
  )
  return { state, rounds: committed.length, attempt, interrupted, finished, transcripts, asked }
}

async function committedState<State, Site>(
  stateHash: string,
  algorithm: Algorithm<State, Site>,
  blobs: BlobStore,
): Promise<State> {
  const bytes = await blobs.get(fromHex(stateHash))
  if (bytes === undefined)
    throw new InputError('ERR_STORE', `the state ${stateHash} of the last round is not in the store; restore a backup`)
  return algorithm.decode(bytes)
}
