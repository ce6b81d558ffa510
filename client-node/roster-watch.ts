/** The roster while an agent runs: a newer one is fetched when an offer names it, and taken up once a person has accepted it. */

import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fromHex } from '../protocol/bytes.ts'
import type { RosterChange } from '../protocol/enrolment/signed-roster.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import type { SiteConfig } from './config.ts'
import { fetchRoster } from './roster-command.ts'
import { pinnedRoster } from './roster-files.ts'

export interface RosterNews {
  readonly type: 'roster'
  readonly version: number
  /** For the telephone. */
  readonly words: string
  readonly change: RosterChange
}

/**
 * Asks for the roster that the coordinator has now; `undefined` where the site's was made by hand, or is the same.
 * @throws InputError ERR_ROSTER_OLD, ProtocolError: what a person has to hear of.
 */
export async function newerRoster(config: SiteConfig, identity: Identity): Promise<RosterNews | undefined> {
  const coordinator = fromHex(config.coordinatorKey)
  const signed = await pinnedRoster(config.folder, coordinator).catch(handmade)
  if (signed === undefined) return undefined
  const site = { coordinator, folder: config.folder, identity }
  const waiting = await fetchRoster(new URL(config.coordinator), site)
  if (waiting === undefined) return undefined
  const { roster, words, change } = waiting
  return { type: 'roster', version: roster.version, words, change }
}

/** A roster without a signature was handed over by people: they hand over the next one too. */
function handmade(error: unknown): undefined {
  if (error instanceof InputError || error instanceof ProtocolError) return undefined
  throw error
}

/** Calls `changed` when another roster stands in the file. @returns what ends the watching. */
export function watchRoster(path: string, changed: () => void): () => void {
  const watcher = watch(dirname(path), (_, name) => {
    if (name === basename(path)) changed()
  })
  return () => watcher.close()
}
