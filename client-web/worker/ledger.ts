/** The privacy ledger in a browser: the same chained and signed entries as at any site, kept in IndexedDB. */

import { fromHex, toHex } from '../../protocol/bytes.ts'
import type { CryptoProvider } from '../../protocol/crypto/provider.ts'
import { defaultPolicy } from '../../protocol/participant/policy.ts'
import {
  type Budget,
  type Charge,
  checkWhole,
  epsilonOf,
  type LedgerEntry,
  type Loss,
  lossesByRun,
  lossOf,
  nothingLost,
  type PlannedRun,
  post,
  readLedger,
  signedEntry,
  withEntry,
} from '../../protocol/privacy/ledger.ts'
import type { Identity } from '../../protocol/wire/handshake.ts'
import type { Cost, PrivacyView } from './page-state.ts'
import type { Store } from './store.ts'

export interface BrowserLedger {
  /** Durable before it settles. @throws SiteRefusal ERR_BUDGET, ERR_CLOCK: then nothing may leave. */
  readonly charge: (charge: Charge) => Promise<void>
  /** Whether all studies together have room for a whole run. @throws SiteRefusal ERR_BUDGET_PLAN */
  readonly affords: (run: PlannedRun) => Promise<void>
  /** @param session of the run that goes on, or went last */
  readonly view: (session: string | undefined) => PrivacyView
}

/** All files of one browser profile are one data set: who loads another file has not spent less. */
const dataset = 'browser'

/** At which epsilon is told and limited: that of a policy nobody has changed. */
const { delta } = defaultPolicy.privacy

/** The most that all studies together may cost. */
export const budgetOf = (epsilon: number): Budget => ({ epsilon, delta })

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
  const read = await readLedger(lines, await store.get('head'), (entry) =>
    provider.ed25519Verify(identity.publicKey, signedEntry(entry), fromHex(entry.signature)),
  )
  let { ledger } = read
  const entries: LedgerEntry[] = [...read.entries]
  let last: Promise<void> = Promise.resolve()
  const enter = async (charge: Charge): Promise<void> => {
    const entry = post(ledger, { dataset, charge, budget: await budget(), at: Date.now() })
    const after = withEntry(ledger, entry)
    const signed = { ...entry, signature: toHex(await identity.sign(signedEntry(entry))) }
    await store.addCharge(signed, after.head)
    entries.push(signed)
    ledger = after
  }
  return {
    charge: (charge) => {
      const entered = last.then(() => enter(charge))
      last = entered.catch(() => {})
      return entered
    },
    affords: async (run) => checkWhole(lossOf(ledger, dataset), run, { budget: await budget(), entries }),
    view: (session) => {
      const runs = lossesByRun(entries)
      const current = runs.find((run) => run.session === session)
      return {
        total: costOf(lossOf(ledger, dataset)),
        run: current === undefined ? costOf(nothingLost) : costOf(current.loss),
        runs: runs.map(({ plan, session, loss, last }) => ({ plan, session, last, ...costOf(loss) })),
        file: entries.length === 0 ? undefined : new Blob(entries.map((entry) => `${JSON.stringify(entry)}\n`)),
      }
    },
  }
}

function costOf(loss: Loss): Cost {
  if (loss.releases === 0) return { unit: loss.unit, epsilon: 0, delta, releases: 0 }
  const epsilon = epsilonOf(loss, delta)
  return { unit: loss.unit, epsilon: Number.isFinite(epsilon) ? epsilon : null, delta, releases: loss.releases }
}
