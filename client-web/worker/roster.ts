/** The list of sites in the page: shown with its words, and a newer one kept aside until a person has accepted it. */

import { rosterRequest } from '../../protocol/enrolment/answers.ts'
import { parseSignedRoster, rosterWords, type SignedRoster } from '../../protocol/enrolment/signed-roster.ts'
import { fingerprint } from '../../protocol/enrolment/words.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { ask } from './enrol.ts'
import { type Home, provider } from './home.ts'
import type { RosterView } from './page-state.ts'
import { show } from './showing.ts'

/** @throws ProtocolError ERR_ROSTER where the coordinator's signature does not hold. */
export const signedRoster = (roster: unknown, coordinator: Uint8Array): Promise<SignedRoster> =>
  parseSignedRoster(provider, roster, coordinator)

/** Fetches the roster that the coordinator has now; a person has to accept it before it counts. */
export async function proposeRoster(home: Home): Promise<void> {
  const { site, identity } = home
  const body = await rosterRequest(site.coordinator, identity, Date.now())
  const { roster } = await ask(new URL(site.url), 'roster', body)
  const newer = await signedRoster(roster, site.coordinator)
  const held = site.roster?.version ?? 0
  if (newer.version <= held)
    throw new ProtocolError(
      'ERR_ROSTER_OLD',
      `the coordinator shows version ${newer.version} of the roster, this site holds ${held}; compare with other sites`,
    )
  home.waiting = newer
  showSite(home)
}

export function showSite({ site, identity, waiting }: Home): void {
  const { roster } = site
  show({
    site: {
      name: site.name,
      url: site.url,
      words: fingerprint(identity.publicKey),
      sealed: identity.sealed,
      roster: roster && rosterView(roster),
      waiting: waiting && rosterView(waiting),
    },
  })
}

const rosterView = (roster: SignedRoster): RosterView => ({
  version: roster.version,
  words: rosterWords(roster),
  sites: roster.sites.map(({ name }) => name),
})
