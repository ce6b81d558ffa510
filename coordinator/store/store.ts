/** What a coordinator must not forget, as a port: runs and their journals, the roster's versions, and which states are needed. */

import type { RosterEntry } from '../../protocol/wire/messages.ts'

/** Open runs are taken up again by whoever starts the coordinator; paused ones when they are resumed; the others have ended. */
export type RunStatus = 'open' | 'paused' | 'finished' | 'failed' | 'stopped'

export interface NewRun {
  /** 16 hexadecimal digits. */
  readonly id: string
  /** The plan file as it was submitted. */
  readonly plan: string
  /** 32 fresh bytes: the session's, so that sites know the run again. */
  readonly nonce: Uint8Array
  /** Version of the roster that the run is for. */
  readonly roster: number
  /** Milliseconds since 1970. */
  readonly submitted: number
}

export interface StoredRun extends NewRun {
  readonly status: RunStatus
  /** Why it has failed or was stopped; empty otherwise. */
  readonly code: string
  readonly reason: string
}

export interface RosterVersion {
  /** From 1. */
  readonly version: number
  readonly sites: readonly RosterEntry[]
}

/** Whatever changes something is durable when it settles. @throws InputError ERR_STORE. */
export interface Store {
  /** In the order they were submitted. */
  runs(): Promise<readonly StoredRun[]>
  addRun(run: NewRun): Promise<void>
  setStatus(id: string, status: RunStatus, why?: { readonly code: string; readonly reason: string }): Promise<void>
  /** The lines of a run's journal, in order. */
  journal(run: string): Promise<readonly string[]>
  /** Refuses a place that is taken: two coordinators cannot fork a journal. */
  append(run: string, place: number, line: string): Promise<void>
  /** For a journal from which nothing has followed yet. */
  clearJournal(run: string): Promise<void>
  /** Every version of the roster there was, oldest first. */
  rosters(): Promise<readonly RosterVersion[]>
  addRoster(sites: readonly RosterEntry[], at: number): Promise<RosterVersion>
  /** The acts of enrolment, in order: who was invited, approved, revoked. */
  registry(): Promise<readonly string[]>
  /** Refuses a place that is taken. */
  appendRegistry(place: number, line: string): Promise<void>
  /** The blobs that a run needs, in the order in which it asked for them. */
  needed(run: string): Promise<readonly string[]>
  /** A run needs a blob, beside the `most` - 1 it asked for last. @returns blobs that no run needs any more. */
  keep(run: string, hash: string, most: number): Promise<readonly string[]>
  /** A run needs only the `most` blobs it asked for last. @returns blobs that no run needs any more. */
  trim(run: string, most: number): Promise<readonly string[]>
  close(): Promise<void>
}
