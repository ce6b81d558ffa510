/** `concordat roster`: shows the roster this site holds, fetches a newer one, and pins it once a person has compared its words. */

import { Command } from 'commander'
import { fromHex } from '../protocol/bytes.ts'
import { rosterRequest } from '../protocol/enrolment/answers.ts'
import { type RosterChange, rosterWords, type SignedRoster } from '../protocol/enrolment/signed-roster.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { readSiteConfig } from './config.ts'
import { ask } from './enrol-client.ts'
import { openSiteIdentity } from './identity.ts'
import { accept, pinnedRoster, propose, type WaitingRoster, waitingRoster } from './roster-files.ts'

interface Options {
  readonly config: string
  readonly accept?: string
  readonly offline?: true
  readonly json?: true
}

export function rosterCommand(): Command {
  return new Command('roster')
    .description('Show the roster this site holds, and accept a newer one after comparing its words with another site')
    .option('--config <file>', "the site's configuration", 'concordat-site/site.yaml')
    .option('--accept <words>', 'the six words of the new roster, as another site reads them to you')
    .option('--offline', 'do not ask the coordinator for a newer one')
    .option('--json', 'one JSON object')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { coordinator: url, coordinatorKey, folder } = await readSiteConfig({}, options.config)
  const coordinator = fromHex(coordinatorKey)
  if (options.offline === undefined)
    await fetchRoster(new URL(url), { coordinator, folder, identity: await openSiteIdentity(folder) })
  if (options.accept !== undefined) await accept(folder, coordinator, options.accept)
  const pinned = await pinnedRoster(folder, coordinator)
  const waiting = await waitingRoster(folder, coordinator)
  if (options.json) console.log(JSON.stringify({ pinned, words: pinned && rosterWords(pinned), waiting }))
  else for (const line of [...linesOf(pinned), ...proposal(waiting)]) console.log(line)
}

/** Asks for the current roster; a newer one waits for a person. @throws ProtocolError, InputError ERR_ROSTER_OLD. */
export async function fetchRoster(
  url: URL,
  site: { readonly coordinator: Uint8Array; readonly folder: string; readonly identity: Identity },
): Promise<WaitingRoster | undefined> {
  const body = await rosterRequest(site.coordinator, site.identity, Date.now())
  const { signed } = await ask(url, 'roster', { body, coordinator: site.coordinator })
  return signed && propose(site.folder, signed, site.coordinator)
}

const linesOf = (roster: SignedRoster | undefined): readonly string[] =>
  roster === undefined
    ? ['no roster is pinned here']
    : [`roster version ${roster.version}: ${rosterWords(roster)}`, ...roster.sites.map(({ name }) => `  ${name}`)]

/** What a person reads before accepting. */
export const proposal = (waiting: WaitingRoster | undefined): readonly string[] =>
  waiting === undefined
    ? []
    : [
        `version ${waiting.roster.version} waits: ${changes(waiting.change)}`,
        `  its words: ${waiting.words}`,
        '  Compare them with another site by telephone, then: npx concordat roster --accept "WORDS"',
      ]

function changes({ added, removed, rekeyed }: RosterChange): string {
  const parts = [
    ['new: ', added],
    ['gone: ', removed],
    ['new key: ', rekeyed],
  ] as const
  const told = parts.filter(([, names]) => names.length > 0).map(([label, names]) => label + names.join(', '))
  return told.join('; ') || 'the same sites'
}
