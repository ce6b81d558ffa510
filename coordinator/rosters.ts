/** The versions of the roster that runs are for: the newest in the store is the current one. */

import { sameSites } from '../protocol/roster.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { clock } from './machine.ts'
import type { RosterVersion, Store } from './store/store.ts'

export interface Rosters {
  readonly current: RosterVersion
  /** These sites are the roster from now on. */
  take(sites: readonly RosterEntry[]): Promise<void>
}

/** Too few sites for a run are no version; plans for them are refused for their number. */
const fewestSites = 3

export async function openRosters(store: Store): Promise<Rosters> {
  let current: RosterVersion = (await store.rosters()).at(-1) ?? { version: 0, sites: [] }
  return {
    get current() {
      return current
    },
    take: async (sites) => {
      if (sites.length < fewestSites) current = { version: 0, sites }
      else if (!sameSites(current.sites, sites)) current = await store.addRoster(sites, clock.now())
    },
  }
}
