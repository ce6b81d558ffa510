/** What the worker works with once the page has been opened. */

import type { ModelFile } from '../../learning/algorithms/model-file.ts'
import type { Mapping } from '../../learning/data/mapping.ts'
import { platformProvider } from '../../protocol/crypto/web/provider.ts'
import type { SignedRoster } from '../../protocol/enrolment/signed-roster.ts'
import type { Random } from '../../protocol/random.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import type { Agent } from './agent.ts'
import type { BrowserIdentity } from './identity.ts'
import type { BrowserLedger } from './ledger.ts'
import type { Picked } from './page-state.ts'
import type { Store, StoredSite } from './store.ts'

export const provider = platformProvider()
export const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

export interface Home {
  readonly store: Store
  readonly identity: BrowserIdentity
  readonly ledger: BrowserLedger
  site: StoredSite
  chosen: Chosen | undefined
  /** The data of the last plan that was offered. */
  schema: DataSchema | undefined
  agent: Agent | undefined
  /** Of the run that goes on, or went last. */
  session: string | undefined
  model: ModelFile | undefined
  /** A newer roster that a person has to accept. */
  waiting: SignedRoster | undefined
}

/** What a person chose, and how it differs from the plan. */
export interface Chosen {
  readonly picked: Picked
  readonly mapping: Mapping
  readonly remember: boolean
}
