/** The runs of this site in the page: connected, asked, taken part in, paused, and left. */

import { InputError, unreachable } from '../../protocol/errors.ts'
import type { DeskItem } from '../../protocol/participant/approval.ts'
import { defaultPolicy } from '../../protocol/participant/policy.ts'
import { parseRoster } from '../../protocol/roster.ts'
import { type BrowserEvent, startAgent } from './agent.ts'
import { browserBook } from './book.ts'
import { type Home, provider, random } from './home.ts'
import { takeResult } from './model.ts'
import type { ReceiptsView } from './page-state.ts'
import { hashOf, planView } from './plan-view.ts'
import { openRecords } from './records.ts'
import { proposeRoster } from './roster.ts'
import { show, shown, tell } from './showing.ts'
import type { Store } from './store.ts'

/** Rounds and receipts that the page lists; the files have all. */
const listed = 8

/** Connects, and takes part from then on. */
export async function connectAgain(home: Home): Promise<void> {
  const { site, identity, store, ledger } = home
  if (site.roster === undefined) throw new Error('a site that is in no roster yet')
  if (shown().phase !== 'leaving') show({ phase: shown().rounds.length > 0 ? 'running' : 'enrolled' })
  const agent = startAgent({
    name: site.name,
    url: new URL(site.url),
    coordinator: site.coordinator,
    roster: parseRoster(JSON.stringify(site.roster)),
    ...{ identity, provider, random, store },
    book: browserBook(store),
    withdrawn: (session) => store.withdrawal(session),
    desk: { items: () => store.plans(), put: (item) => store.putPlan(hashOf(item), item) },
    policy: async () => (await store.get('policy')) ?? defaultPolicy,
    open: (plan) => openRecords(home, plan),
    affords: ledger.affords,
    charge: async (charge) => {
      await ledger.charge(charge)
      show({ privacy: ledger.view(home.session) })
    },
    report: (event) => void take(home, event).catch(tell),
  })
  home.agent = agent
  await agent.done
}

export async function decide({ store, agent }: Home, verdict: 'approved' | 'refused'): Promise<void> {
  const reason = verdict === 'approved' ? 'agreed in the page' : 'declined in the page'
  for (const item of await store.plans())
    if (item.decision === undefined) await putDecision(store, item, { verdict, reason })
  show({ phase: verdict === 'approved' ? 'running' : 'enrolled' })
  agent?.again()
}

/** The link ends; the others go on, and their journal says that this site was away. */
export async function pause(home: Home): Promise<void> {
  await home.store.put('paused', Date.now())
  home.agent?.stop()
  home.agent = undefined
  show({ phase: 'paused', doing: undefined })
}

export async function resume(home: Home): Promise<void> {
  await home.store.remove('paused')
  return connectAgain(home)
}

/** Leaves the run for good: kept first, then said to the coordinator with the site's signature at its next offer. */
export async function leave(home: Home, reason: string): Promise<void> {
  const { session, store, agent } = home
  if (session === undefined) throw new InputError('ERR_RECORD', 'there is no run to leave')
  await store.withdraw(session, reason)
  // A repeat of the same plan is refused as well; another one is shown.
  const item = await itemOf(store, shown().plan?.hash)
  if (item !== undefined) await putDecision(store, item, { verdict: 'refused', reason })
  show({ phase: 'leaving', doing: undefined })
  if (agent === undefined) return resume(home)
  agent.again()
}

export async function receiptsView(store: Store): Promise<ReceiptsView> {
  const all = await store.receipts()
  const file = new Blob([`${JSON.stringify(all, null, 2)}\n`], { type: 'application/json' })
  return { count: all.length, last: all.slice(-listed), file: all.length === 0 ? undefined : file }
}

/** Events of the run, as the page shows them. */
async function take(home: Home, event: BrowserEvent): Promise<void> {
  switch (event.type) {
    case 'link':
      return show({ link: event.state })
    case 'joined':
      return takeJoined(home, event)
    case 'declined':
      return takeRefusal(home, event)
    case 'refused':
      return show({ fault: { code: event.code, reason: event.reason } })
    case 'contributing':
      return show({ doing: { round: event.round, purpose: event.purpose } })
    case 'contributed':
      return show({ receipts: await receiptsView(home.store) })
    case 'committed': {
      const { round, sites, metrics } = event
      return show({ rounds: [...shown().rounds, { round, sites, metrics }].slice(-listed) })
    }
    case 'pages':
      return show({ pages: event.hash })
    case 'countersigned':
      return
    case 'withdrawn':
      return show({ phase: 'left', doing: undefined })
    case 'finished':
      return takeResult(home, event.result)
    default:
      return unreachable(event)
  }
}

async function takeJoined(
  home: Home,
  { session, plan }: { readonly session: string; readonly plan: string },
): Promise<void> {
  const again = home.session === session
  home.session = session
  const item = (await home.store.plans()).findLast(
    (each) => each.plan.name === plan && each.decision?.verdict === 'approved',
  )
  show({
    phase: 'running',
    doing: undefined,
    fault: undefined,
    ...(again ? {} : { rounds: [], result: undefined, forecast: undefined, predictions: undefined }),
    privacy: home.ledger.view(session),
    plan: item && planView(item),
  })
}

async function takeRefusal(home: Home, { code, reason }: { readonly code: string; readonly reason: string }) {
  // What the person has not done yet, or has said, needs no telling; the page itself shows where a file does not fit.
  if (quiet.has(code) || /^ERR_(DATA|CSV)_/.test(code)) return
  if (code === 'ERR_ROSTER_MISMATCH') return proposeRoster(home)
  if (code !== 'ERR_APPROVAL_PENDING') return show({ fault: { code, reason } })
  const waiting = (await home.store.plans()).find(({ decision }) => decision === undefined)
  if (waiting !== undefined) show({ phase: 'review', plan: planView(waiting) })
}

const quiet = new Set(['ERR_NO_FILE', 'ERR_POLICY_UNCONFIRMED', 'ERR_PLAN_REFUSED', 'ERR_WITHDRAWN'])

const itemOf = async (store: Store, hash: string | undefined): Promise<DeskItem | undefined> =>
  (await store.plans()).find((item) => hashOf(item) === hash)

const putDecision = (store: Store, item: DeskItem, decision: Omit<NonNullable<DeskItem['decision']>, 'at'>) =>
  store.putPlan(hashOf(item), { ...item, decision: { ...decision, at: Date.now() } })
