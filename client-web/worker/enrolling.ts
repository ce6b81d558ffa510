/** How a browser becomes a site: opened with an invitation, approved by the operator, and held to the list of sites it accepted. */

import { apply } from '../../protocol/enrolment/application.ts'
import { parseInviteLink } from '../../protocol/enrolment/invite.ts'
import { defaultPolicy, parsePolicy } from '../../protocol/participant/policy.ts'
import { ask } from './enrol.ts'
import { type Home, provider, random } from './home.ts'
import { openIdentity } from './identity.ts'
import { budgetOf, openLedger } from './ledger.ts'
import type { Rules } from './page-state.ts'
import { showFile } from './records.ts'
import { showSite, signedRoster } from './roster.ts'
import { connectAgain, receiptsView } from './run.ts'
import { show } from './showing.ts'
import { openStore, type Store, type StoredSite } from './store.ts'

/** Opens what this browser keeps; an invitation counts where no site is kept yet. */
export async function openHome(link: string | undefined): Promise<Home | undefined> {
  const store = await openStore()
  const kept = await store.get('site')
  const site = kept ?? (link === undefined ? undefined : siteOf(link))
  if (site === undefined) {
    show({ phase: 'uninvited' })
    return undefined
  }
  const identity = await openIdentity(store, provider, random)
  const ledger = await openLedger({ store, identity, provider }, () => store.get('budget'))
  const file = await store.get('file')
  const chosen = file && { ...file, remember: true }
  const nothing = { schema: undefined, agent: undefined, session: undefined, model: undefined, waiting: undefined }
  const home: Home = { store, identity, ledger, site, chosen, ...nothing }
  show({ receipts: await receiptsView(store), rules: await rulesOf(store), privacy: ledger.view(undefined) })
  showSite(home)
  showFile(home, { state: 'waiting' })
  if (kept === undefined) show({ phase: 'invited' })
  return home
}

/** Goes on where this browser was when the page was closed. */
export async function goOn(home: Home): Promise<void> {
  const { site, store } = home
  if ((await store.get('paused')) !== undefined) return show({ phase: 'paused' })
  if (site.roster !== undefined) return connectAgain(home)
  if ((await store.get('site')) !== undefined) return enrol(home)
}

const siteOf = (link: string): StoredSite => {
  const { url, coordinator, seed, name, expires } = parseInviteLink(link)
  return { name, url, coordinator, invite: { seed, expires }, roster: undefined }
}

/** Applies, and asks again until the operator has decided. */
export async function enrol(home: Home): Promise<void> {
  const { site, identity, store } = home
  if (site.invite === undefined) throw new Error('an application without an invitation')
  await store.put('site', site)
  const invite = { ...site.invite, url: site.url, coordinator: site.coordinator, name: site.name }
  const application = await apply(provider, invite, identity)
  for (let wait = 1_000; ; wait = Math.min(15_000, wait * 1.5)) {
    const { status, reason, roster } = await ask(new URL(site.url), 'applications', application)
    if (status === 'refused') {
      show({ phase: 'refused', fault: { code: 'ERR_REFUSED', reason: reason ?? 'no reason given' } })
      return
    }
    if (status === 'approved') {
      home.site = { ...site, invite: undefined, roster: await signedRoster(roster, site.coordinator) }
      await store.put('site', home.site)
      showSite(home)
      return connectAgain(home)
    }
    show({ phase: 'pending' })
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

export async function acceptRoster(home: Home): Promise<void> {
  if (home.waiting === undefined) return
  home.site = { ...home.site, roster: home.waiting }
  home.waiting = undefined
  await home.store.put('site', home.site)
  showSite(home)
  home.agent?.stop()
  return connectAgain(home)
}

export async function setRules({ store, agent }: Home, rules: Rules): Promise<void> {
  const { minimumRows, unprotected, epsilon, budget, largeModels } = rules
  const policy = parsePolicy({
    ...defaultPolicy,
    ...{ confirmed: true, minimumRows },
    parametersPerRow: largeModels ? null : defaultPolicy.parametersPerRow,
    privacy: { ...defaultPolicy.privacy, unprotected, epsilon },
  })
  await store.put('policy', policy)
  if (budget === undefined) await store.remove('budget')
  else await store.put('budget', budgetOf(budget))
  show({ rules })
  agent?.again()
}

async function rulesOf(store: Store): Promise<Rules | undefined> {
  const policy = await store.get('policy')
  if (policy === undefined) return undefined
  const { minimumRows, parametersPerRow, privacy } = policy
  const { unprotected, epsilon } = privacy
  const budget = (await store.get('budget'))?.epsilon
  return { unprotected, epsilon, minimumRows, largeModels: parametersPerRow === null, budget }
}
