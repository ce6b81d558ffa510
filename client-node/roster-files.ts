/** The pinned roster of a site and the one that waits for a person's word: two files in the agent's folder. */

import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import {
  parseSignedRoster,
  type RosterChange,
  rosterChange,
  rosterHash,
  rosterWords,
  type SignedRoster,
} from '../protocol/enrolment/signed-roster.ts'
import { sameWords } from '../protocol/enrolment/words.ts'
import { InputError } from '../protocol/errors.ts'
import { replaceFile } from './replace-file.ts'

export const pinnedRosterFile = (folder: string): string => join(folder, 'roster.json')
/** Every version that was pinned, by its number: what runs that began under it are held to. */
const versionsFolder = (folder: string): string => join(folder, 'rosters')
const waitingRosterFile = (folder: string): string => join(folder, 'roster.waiting.json')

export interface WaitingRoster {
  readonly roster: SignedRoster
  readonly words: string
  readonly change: RosterChange
}

/** @returns the pinned roster, `undefined` where there is none. @throws InputError ERR_ROSTER */
export async function pinnedRoster(folder: string, coordinator: Uint8Array): Promise<SignedRoster | undefined> {
  return readSigned(pinnedRosterFile(folder), coordinator)
}

export async function pin(folder: string, roster: SignedRoster): Promise<void> {
  await mkdir(versionsFolder(folder), { recursive: true, mode: 0o700 })
  await replace(join(versionsFolder(folder), `${roster.version}.json`), roster)
  await replace(pinnedRosterFile(folder), roster)
  await rm(waitingRosterFile(folder), { force: true })
}

/** The versions that were pinned here, newest first; a file that does not carry the coordinator's signature is none. */
export async function pinnedVersions(folder: string, coordinator: Uint8Array): Promise<readonly SignedRoster[]> {
  const names = await readdir(versionsFolder(folder)).catch(() => [])
  const files = names.filter((name) => /^\d+\.json$/.test(name))
  const read = (name: string) => readSigned(join(versionsFolder(folder), name), coordinator).catch(unsigned)
  const versions = await Promise.all(files.map(read))
  return versions.flatMap((roster) => roster ?? []).sort((a, b) => b.version - a.version)
}

function unsigned(error: unknown): undefined {
  if (error instanceof InputError) return undefined
  throw error
}

/**
 * Keeps a newer roster until a person accepts it. @returns what it changes; `undefined` where it is the pinned one.
 * @throws InputError ERR_ROSTER_OLD where the coordinator shows an older version, or another of the same number.
 */
export async function propose(folder: string, roster: SignedRoster, coordinator: Uint8Array) {
  const pinned = await pinnedRoster(folder, coordinator)
  if (pinned !== undefined && rosterHash(pinned) === rosterHash(roster)) return undefined
  if (pinned !== undefined && roster.version <= pinned.version)
    throw new InputError(
      'ERR_ROSTER_OLD',
      `the coordinator shows version ${roster.version} of the roster, this site holds ${pinned.version} (${rosterWords(pinned)}); compare with other sites by telephone`,
    )
  await replace(waitingRosterFile(folder), roster)
  return describe(pinned, roster)
}

/** @throws InputError ERR_ROSTER where nothing waits. */
export async function waitingRoster(folder: string, coordinator: Uint8Array): Promise<WaitingRoster | undefined> {
  const waiting = await readSigned(waitingRosterFile(folder), coordinator)
  return waiting === undefined ? undefined : describe(await pinnedRoster(folder, coordinator), waiting)
}

/** A person has compared the words. @throws InputError ERR_WORDS, ERR_ROSTER. */
export async function accept(folder: string, coordinator: Uint8Array, words: string): Promise<SignedRoster> {
  const waiting = await waitingRoster(folder, coordinator)
  if (waiting === undefined) throw new InputError('ERR_ROSTER', 'no new roster waits for acceptance')
  if (!sameWords(words, waiting.words))
    throw new InputError(
      'ERR_WORDS',
      'these are not the words of the roster that waits; ask another site to read its own',
    )
  await pin(folder, waiting.roster)
  return waiting.roster
}

const describe = (before: SignedRoster | undefined, roster: SignedRoster): WaitingRoster => ({
  roster,
  words: rosterWords(roster),
  change: rosterChange(before ?? { sites: [] }, roster),
})

async function readSigned(path: string, coordinator: Uint8Array): Promise<SignedRoster | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InputError('ERR_ROSTER', 'expected a roster signed by the coordinator', path)
  }
  return parseSignedRoster(nodeProvider, value, coordinator)
}

const replace = (path: string, roster: SignedRoster): Promise<void> =>
  replaceFile(path, new TextEncoder().encode(`${JSON.stringify(roster, null, 2)}\n`))
