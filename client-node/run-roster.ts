/** The roster that a run is held to: the pinned one, or the one of its beginning where this site may still stand by that. */

import { planMenus } from '../learning/computation.ts'
import { fromHex, toHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError } from '../protocol/errors.ts'
import { parsePlanFile, planHash } from '../protocol/plan.ts'
import { parseGrowingRoster, rosterText, sameSites } from '../protocol/roster.ts'
import { openSession } from '../protocol/secagg/session.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import type { Offer } from '../protocol/wire/offer.ts'
import { joinedUnder } from './record-book.ts'
import { pinnedVersions } from './roster-files.ts'

export interface RosterParts {
  readonly folder: string
  /** The coordinator's pinned key. */
  readonly coordinator: Uint8Array
  /** As it stands in the site's roster file. */
  readonly pinned: readonly RosterEntry[]
}

/**
 * A run goes on under the roster with which this site has joined it, whatever was accepted since. One that it has not joined
 * may have begun under an earlier version that a person here has accepted, as long as no key of that was revoked or
 * replaced since. Everything else is held against the pinned roster, and declined where it is another.
 */
export async function rosterOfRun(
  { folder, coordinator, pinned }: RosterParts,
  offer: Offer | undefined,
): Promise<readonly RosterEntry[]> {
  if (offer === undefined || sameSites(offer.roster, pinned)) return pinned
  const session = await sessionOf(offer, coordinator)
  const joined = session && (await joinedUnder(folder, session))
  if (joined && sameSites(joined, offer.roster)) return joined
  const stillIn = ({ name, identity }: RosterEntry): boolean =>
    pinned.some((entry) => entry.name === name && toHex(entry.identity) === toHex(identity))
  for (const { sites } of await pinnedVersions(folder, coordinator)) {
    const version = inOrder(sites)
    if (sameSites(version, offer.roster) && version.every(stillIn)) return version
  }
  return pinned
}

/** Sites of a signed version in the protocol's order. */
const inOrder = (sites: readonly { readonly name: string; readonly identity: string }[]): readonly RosterEntry[] =>
  parseGrowingRoster(rosterText(sites.map(({ name, identity }) => ({ name, identity: fromHex(identity) }))))

/** `undefined` where the plan or the roster is none: whoever joins says why. */
async function sessionOf({ plan: bytes, roster, nonce }: Offer, coordinator: Uint8Array): Promise<string | undefined> {
  try {
    const { plan } = parsePlanFile(Buffer.from(bytes).toString('utf8'), planMenus)
    const parts = { planHash: planHash(plan), roster, rules: plan, nonce, coordinator }
    return toHex((await openSession(nodeProvider, parts)).id)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}
