/** The worker of the participant's page: holds key, file and run, does what a person asks for, and tells the page its state. */

import './late-imports.ts'
import { parseModel, predict } from '../../learning/algorithms/model-file.ts'
import type { Site } from '../../learning/algorithms/site.ts'
import { toHex } from '../../protocol/bytes.ts'
import { platformProvider } from '../../protocol/crypto/web/provider.ts'
import { rosterRequest } from '../../protocol/enrolment/answers.ts'
import { apply } from '../../protocol/enrolment/application.ts'
import { parseInviteLink } from '../../protocol/enrolment/invite.ts'
import { parseSignedRoster, rosterWords, type SignedRoster } from '../../protocol/enrolment/signed-roster.ts'
import { fingerprint } from '../../protocol/enrolment/words.ts'
import { InputError, ProtocolError, unreachable } from '../../protocol/errors.ts'
import type { DeskItem } from '../../protocol/participant/approval.ts'
import { describe } from '../../protocol/participant/plain-words.ts'
import { defaultPolicy, parsePolicy } from '../../protocol/participant/policy.ts'
import type { Records } from '../../protocol/participant/shell.ts'
import { type Plan, planHash } from '../../protocol/plan.ts'
import type { Random } from '../../protocol/random.ts'
import { parseRoster } from '../../protocol/roster.ts'
import { type Agent, type BrowserEvent, startAgent, trainer } from './agent.ts'
import { ask } from './enrol.ts'
import { columnViews, readFile } from './file.ts'
import { type BrowserIdentity, openIdentity } from './identity.ts'
import { type BrowserLedger, openLedger } from './ledger.ts'
import { type Act, firstState, type PageState, type RosterView, type Rules } from './page-state.ts'
import { openStore, type Store, type StoredSite } from './store.ts'

const provider = platformProvider()
const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

let state: PageState = firstState
const show = (change: Partial<PageState>): void => {
  state = { ...state, ...change }
  self.postMessage(state)
}

/** What the page works with once it has been opened. */
interface Home {
  readonly store: Store
  readonly identity: BrowserIdentity
  readonly ledger: BrowserLedger
  site: StoredSite
  file: File | undefined
  agent: Agent | undefined
  /** A newer roster that a person has to accept. */
  waiting: SignedRoster | undefined
}

let home: Home | undefined

self.addEventListener('message', ({ data }: MessageEvent<Act>) => {
  void perform(data)
})

async function perform(act: Act): Promise<void> {
  try {
    show({ fault: undefined })
    await doAct(act)
  } catch (error) {
    tell(error)
  }
}

/** What a person or a peer did wrong is shown; a fault of ours ends in the console. */
function tell(error: unknown): void {
  if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
  show({ fault: { code: error.code, reason: error.message } })
}

function doAct(act: Act): Promise<void> {
  switch (act.type) {
    case 'start':
      return start(act.link)
    case 'apply':
      return enrol(opened())
    case 'choose':
      return choose(opened(), act)
    case 'rules':
      return setRules(opened(), act.rules)
    case 'accept':
      return acceptRoster(opened())
    case 'approve':
      return decide(opened(), 'approved')
    case 'decline':
      return decide(opened(), 'refused')
    case 'pause':
      return pause(opened())
    case 'resume':
      return connectAgain(opened())
    case 'predict':
      return applyModel(act.file)
    case 'forget':
      return forget(opened())
    default:
      return unreachable(act)
  }
}

function opened(): Home {
  if (home === undefined) throw new Error('an act before the page was started')
  return home
}

/** Opens what this browser keeps; an invitation counts where no site is kept yet. */
async function start(link: string | undefined): Promise<void> {
  const store = await openStore()
  const kept = await store.get('site')
  const site = kept ?? (link === undefined ? undefined : siteOf(link))
  if (site === undefined) return show({ phase: 'uninvited' })
  const identity = await openIdentity(store, provider, random)
  const budget = async () => undefined
  const ledger = await openLedger({ store, identity, provider }, budget)
  home = { store, identity, ledger, site, file: (await store.get('file'))?.file, agent: undefined, waiting: undefined }
  show({ receipts: await store.receipts(), rules: await rulesOf(store), privacy: ledger.view() })
  showSite(home)
  if (home.file !== undefined) showFile(home.file, { state: 'waiting' })
  if (kept === undefined) return show({ phase: 'invited' })
  if (site.roster === undefined) return enrol(home)
  return connectAgain(home)
}

const siteOf = (link: string): StoredSite => {
  const { url, coordinator, seed, name, expires } = parseInviteLink(link)
  return { name, url, coordinator, invite: { seed, expires }, roster: undefined }
}

/** Applies, and asks again until the operator has decided. */
async function enrol(home: Home): Promise<void> {
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

const signedRoster = (roster: unknown, coordinator: Uint8Array): Promise<SignedRoster> =>
  parseSignedRoster(provider, roster, coordinator)

async function choose(
  home: Home,
  { file, remember }: { readonly file: File; readonly remember: boolean },
): Promise<void> {
  home.file = file
  if (remember) await home.store.put('file', { file })
  else await home.store.remove('file')
  showFile(file, { state: 'waiting' })
  // Whoever has declined for want of a file, or for another one, is offered the plans again.
  home.agent?.again()
}

async function setRules(home: Home, rules: Rules): Promise<void> {
  const policy = parsePolicy({
    ...defaultPolicy,
    confirmed: true,
    minimumRows: rules.minimumRows,
    privacy: { ...defaultPolicy.privacy, unprotected: rules.unprotected, epsilon: rules.epsilon },
  })
  await home.store.put('policy', policy)
  show({ rules })
  home.agent?.again()
}

async function rulesOf(store: Store): Promise<Rules | undefined> {
  const policy = await store.get('policy')
  return (
    policy && {
      unprotected: policy.privacy.unprotected,
      epsilon: policy.privacy.epsilon,
      minimumRows: policy.minimumRows,
    }
  )
}

async function decide({ store, agent }: Home, verdict: 'approved' | 'refused'): Promise<void> {
  const waiting = (await store.plans()).filter(({ decision }) => decision === undefined)
  for (const item of waiting) {
    const reason = verdict === 'approved' ? 'agreed in the page' : 'declined in the page'
    await store.putPlan(hashOf(item), { ...item, decision: { verdict, reason, at: Date.now() } })
  }
  show({ phase: verdict === 'approved' ? 'running' : 'enrolled' })
  agent?.again()
}

async function pause(home: Home): Promise<void> {
  home.agent?.stop()
  home.agent = undefined
  show({ phase: 'paused', doing: undefined })
}

/** Connects, and takes part from then on. */
async function connectAgain(home: Home): Promise<void> {
  const { site, identity, store, ledger } = home
  if (site.roster === undefined) throw new Error('a site that is in no roster yet')
  show({ phase: state.rounds.length > 0 ? 'running' : 'enrolled' })
  const agent = startAgent({
    name: site.name,
    url: new URL(site.url),
    coordinator: site.coordinator,
    roster: parseRoster(JSON.stringify(site.roster)),
    ...{ identity, provider, random, store },
    desk: { items: () => store.plans(), put: (item) => store.putPlan(hashOf(item), item) },
    policy: async () => (await store.get('policy')) ?? defaultPolicy,
    open: (plan) => openRecords(home, plan),
    charge: async (charge) => {
      await ledger.charge(charge)
      show({ privacy: ledger.view() })
    },
    report: (event) => void take(home, event).catch(tell),
  })
  home.agent = agent
  await agent.done
}

const hashOf = ({ plan }: DeskItem): string => toHex(planHash(plan))

async function openRecords({ file, site }: Home, plan: Plan): Promise<Records<Site>> {
  if (file === undefined) throw new InputError('ERR_NO_FILE', 'expected a file with records; choose one')
  try {
    showFile(file, { state: 'reading', share: 0 })
    const { table, summary } = await readFile(file, plan.data, ({ bytes, total }) =>
      showFile(file, { state: 'reading', share: total === undefined ? 0 : bytes / total }),
    )
    const { rows, skipped } = summary
    showFile(file, { state: 'fits', rows, skipped, columns: columnViews(table) })
    return { site: { name: site.name, table, trainer }, rows: table.rows }
  } catch (error) {
    if (error instanceof InputError) showFile(file, { state: 'misfit', code: error.code, reason: error.message })
    throw error
  }
}

/** Events of the run, as the page shows them. */
async function take(home: Home, event: BrowserEvent): Promise<void> {
  switch (event.type) {
    case 'link':
      return show({ link: event.state })
    case 'joined':
      return show({
        phase: 'running',
        doing: event.plan,
        rounds: [],
        model: undefined,
        plan: await planView(home, event.plan),
      })
    case 'declined':
      return takeRefusal(home, event)
    case 'refused':
      return show({ fault: { code: event.code, reason: event.reason } })
    case 'contributing':
      return show({ doing: `${event.round}: ${event.purpose}` })
    case 'contributed':
      return show({ receipts: await home.store.receipts() })
    case 'committed': {
      const { round, sites, metrics } = event
      return show({ rounds: [...state.rounds, { round, sites, metrics }] })
    }
    case 'pages':
      return show({ pages: event.hash })
    case 'countersigned':
      return
    case 'withdrawn':
      return show({ phase: 'enrolled', doing: undefined })
    case 'finished':
      return show({ phase: 'finished', doing: undefined, model: event.result })
    default:
      return unreachable(event)
  }
}

async function takeRefusal(home: Home, { code, reason }: { readonly code: string; readonly reason: string }) {
  // What the person has not done yet is asked for by the page itself.
  if (code === 'ERR_NO_FILE' || code === 'ERR_POLICY_UNCONFIRMED' || code === 'ERR_PLAN_REFUSED') return
  if (code === 'ERR_ROSTER_MISMATCH') return proposeRoster(home)
  if (code !== 'ERR_APPROVAL_PENDING') return show({ fault: { code, reason } })
  const waiting = (await home.store.plans()).find(({ decision }) => decision === undefined)
  if (waiting !== undefined) show({ phase: 'review', plan: viewOf(waiting) })
}

async function planView({ store }: Home, name: string) {
  const item = (await store.plans()).findLast(({ plan }) => plan.name === name)
  return item && viewOf(item)
}

const viewOf = (item: DeskItem) => ({
  name: item.plan.name,
  description: item.plan.description,
  hash: hashOf(item),
  lines: describe(item),
})

const showFile = (file: File, check: NonNullable<PageState['file']>['check']): void =>
  show({ file: { name: file.name, bytes: file.size, check } })

/** Fetches the roster that the coordinator has now; a person has to accept it before it counts. */
async function proposeRoster(home: Home): Promise<void> {
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

async function acceptRoster(home: Home): Promise<void> {
  if (home.waiting === undefined) return
  home.site = { ...home.site, roster: home.waiting }
  home.waiting = undefined
  await home.store.put('site', home.site)
  showSite(home)
  home.agent?.stop()
  return connectAgain(home)
}

const rosterView = (roster: SignedRoster): RosterView => ({
  version: roster.version,
  words: rosterWords(roster),
  sites: roster.sites.map(({ name }) => name),
})

function showSite({ site, identity, waiting }: Home): void {
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

/** The model of the last run on rows of a file, here in the page. */
async function applyModel(file: File): Promise<void> {
  const model = parseModel(state.model)
  const { label, ...schema } = model.data
  const { table } = await readFile(file, schema, () => {})
  const outputs = await predict(model, table, trainer)
  const names = label?.type === 'class' ? label.classes : [label?.column ?? 'prediction']
  const lines = Array.from({ length: table.rows }, (_, row) =>
    outputs.subarray(row * names.length, (row + 1) * names.length).join(','),
  )
  show({ predictions: `${names.join(',')}\n${lines.join('\n')}\n` })
}

async function forget({ agent, store }: Home): Promise<void> {
  agent?.stop()
  await store.clear()
  home = undefined
  show({ ...firstState, phase: 'uninvited' })
}
