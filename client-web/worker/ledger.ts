/** The privacy ledger in a browser: the same chained and signed entries as at any site, kept in IndexedDB. */

import { fromHex, toHex } from '../../protocol/bytes.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import {
  type Budget,
  type Charge,
  epsilonOf,
  lossOf,
  post,
  readLedger,
  signedEntry,
  withEntry,
} from '../../protocol/privacy/ledger.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import type { PrivacyView } from './page-state.ts'
import type { Store } from './store.ts'

export interface BrowserLedger {
  /** Durable before it settles. @throws SiteRefusal ERR_BUDGET, ERR_CLOCK: then nothing may leave. */
  readonly charge: (charge: Charge) => Promise<void>
  readonly view: () => PrivacyView | undefined
}

/** All files of one browser profile are one data set: who loads another file has not spent less. */
const dataset = 'browser'

/** At which epsilon is told. */
const delta = 1e-5

/** @throws InputError ERR_LEDGER where the entries are not those this site wrote. */
export async function openLedger(
  {
    store,
    identity,
    provider,
  }: { readonly store: Store; readonly identity: Identity; readonly provider: CryptoProvider },
  budget: () => Promise<Budget | undefined>,
): Promise<BrowserLedger> {
  const lines = (await store.ledger()).map((entry) => JSON.stringify(entry))
  let { ledger } = await readLedger(lines, await store.get('head'), (entry) =>
    provider.ed25519Verify(identity.publicKey, signedEntry(entry), fromHex(entry.signature)),
  )
  let last: Promise<void> = Promise.resolve()
  const enter = async (charge: Charge): Promise<void> => {
    const entry = post(ledger, { dataset, charge, budget: await budget(), at: Date.now() })
    const after = withEntry(ledger, entry)
    await store.addCharge({ ...entry, signature: toHex(await identity.sign(signedEntry(entry))) }, after.head)
    ledger = after
  }
  return {
    charge: (charge) => {
      const entered = last.then(() => enter(charge))
      last = entered.catch(() => {})
      return entered
    },
    view: () => {
      const loss = lossOf(ledger, dataset)
      if (loss.releases === 0) return undefined
      const epsilon = epsilonOf(loss, delta)
      return { unit: loss.unit, epsilon: Number.isFinite(epsilon) ? epsilon : null, delta, releases: loss.releases }
    },
  }
}
