/** The agent of a site: it keeps a link to the coordinator, takes part in runs on its own records, and always comes back. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse as parseYaml } from 'yaml'
import type { Site } from '../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../learning/computation.ts'
import { parseMapping } from '../learning/data/mapping.ts'
import type { TrainerFactory } from '../learning/engine/trainer.ts'
import { fromHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { errorCode, InputError, ProtocolError } from '../protocol/errors.ts'
import { createParticipant, type Finish, type Participant } from '../protocol/participant/participant.ts'
import { inForce } from '../protocol/participant/policy.ts'
import type { Records, SiteEvent } from '../protocol/participant/shell.ts'
import { type Plan, parsePlanFile } from '../protocol/plan.ts'
import { epsilonOf, lossOf } from '../protocol/privacy/ledger.ts'
import type { Unit } from '../protocol/privacy/mechanism.ts'
import { usualDelta } from '../protocol/privacy/promise.ts'
import { parseGrowingRoster } from '../protocol/roster.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { wireVersions } from '../protocol/wire/messages.ts'
import type { Offer } from '../protocol/wire/offer.ts'
import { fileAnswerLog } from './answer-log.ts'
import type { SiteConfig } from './config.ts'
import { WatchedDesk } from './desk.ts'
import { openSiteIdentity } from './identity.ts'
import { type LedgerFile, openLedger } from './ledger-file.ts'
import { localMoment } from './moment.ts'
import { readPolicy, writePolicy } from './policy-file.ts'
import { ReceiptFile, withReceipts } from './receipt-file.ts'
import { fileBook } from './record-book.ts'
import { openRecords } from './records.ts'
import { newerRoster, type RosterNews } from './roster-watch.ts'
import { rosterOfRun } from './run-roster.ts'
import { backOff, isFinal, type LinkEvent, linksTo, random, session } from './session.ts'
import { type Claim, claimed, RunsOfSite } from './site-runs.ts'
import { withdrawnFrom } from './withdraw.ts'

export type AgentEvent =
  | SiteEvent
  | { readonly type: 'connected' }
  | {
      readonly type: 'charged'
      /** Whose presence the noise of this release hides. */
      readonly unit: Unit
      /** Of all releases from these records so far. */
      readonly epsilon: number
      readonly delta: number
      readonly releases: number
    }
  | LinkEvent
  | RosterNews

export interface AgentOptions {
  readonly config: SiteConfig
  readonly trainer: TrainerFactory
  readonly signal: AbortSignal
  readonly report: (event: AgentEvent) => void
  /** The versions of the wire to speak, oldest first; all that are known where unset. */
  readonly versions?: readonly number[]
}

/** Heartbeats while the site computes, in milliseconds. */
const beatEvery = 2_000

/** Runs until stopped, or with `once` until the first run has ended. @throws InputError, ProtocolError what cannot be waited out. */
export async function runAgent(options: AgentOptions): Promise<Finish | undefined> {
  const { config } = options
  await openPolicy(policyPath(config))
  const identity = await openSiteIdentity(config.folder)
  const { folder, dataset, budget } = config
  const ledger = await openLedger({ folder, identity, dataset, budget, now: () => Date.now() })
  try {
    return await takePart(options, identity, ledger)
  } finally {
    await ledger.close()
  }
}

async function takePart(options: AgentOptions, identity: Identity, ledger: LedgerFile): Promise<Finish | undefined> {
  const { config, signal, report } = options
  let declined: InputError | undefined
  const desk = new WatchedDesk(join(config.folder, 'plans'))
  const receipts = new ReceiptFile(join(config.folder, 'receipts.jsonl'))
  const watched = (event: AgentEvent): void => {
    if (event.type === 'declined' && event.code !== 'ERR_APPROVAL_PENDING')
      declined = new InputError(errorCode(event.code), event.reason)
    report(event)
  }
  const runs = new RunsOfSite(({ claim, outdated, offer }) =>
    openParticipant({
      ...{ ...options, identity, ledger, desk, receipts, claim, offer },
      report: (event) => {
        watched(event)
        if (event.type !== 'declined' || event.code !== 'ERR_ROSTER_MISMATCH') return
        outdated()
        void tellNewerRoster(options, identity)
      },
    }),
  )
  const links = linksTo({ config, signal, identity, report, versions: options.versions ?? wireVersions })
  try {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const finish = await session({
          ...{ config, signal, links, runs, desk },
          connected: () => {
            failures = 0
            report({ type: 'connected' })
          },
        })
        if (config.once && finish !== undefined) return finish
      } catch (error) {
        if (!(error instanceof ProtocolError) || isFinal(error)) throw error
        failures++
        if (config.once && error.code === 'ERR_UNREACHABLE' && failures >= 5) throw error
        report({ type: 'reconnecting', seconds: backOff(failures) / 1000, reason: error.message })
      }
      if (config.once && declined !== undefined) throw declined
      await delay(backOff(failures), undefined, { signal }).catch(() => {})
    }
    return undefined
  } finally {
    links.close()
  }
}

/** Another roster than the pinned one was offered: a person is told which, and how to accept it. */
async function tellNewerRoster({ config, report }: AgentOptions, identity: Identity): Promise<void> {
  try {
    const news = await newerRoster(config, identity)
    if (news !== undefined) report(news)
  } catch (error) {
    if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
    report({ type: 'refused', code: error.code, reason: error.message })
  }
}

/** Without a policy in force an agent does not even connect. @throws InputError ERR_POLICY_UNCONFIRMED on first start. */
async function openPolicy(path: string): Promise<void> {
  if (await writePolicy(path)) {
    const todo = `read it, change what is not yours, then: concordat policy confirm --policy ${path}`
    throw new InputError('ERR_POLICY_UNCONFIRMED', `wrote this site's policy with its defaults; ${todo}`, path)
  }
  inForce(await readPolicy(path), localMoment())
}

const policyPath = (config: SiteConfig): string => config.policy ?? join(config.folder, 'policy.yaml')

interface Parts extends AgentOptions {
  readonly identity: Identity
  readonly ledger: LedgerFile
  readonly desk: WatchedDesk
  readonly receipts: ReceiptFile
  readonly claim: Claim
  readonly offer: Offer | undefined
}

/** A participant for one run. */
async function openParticipant(parts: Parts): Promise<Participant> {
  const { config, trainer, report, identity, ledger, desk, receipts, claim, offer } = parts
  const coordinator = fromHex(config.coordinatorKey)
  // One that is too small, or old, is not the offered one: then a newer is fetched.
  const pinned = parseGrowingRoster(await readText(config.roster, 'ERR_ROSTER'))
  const roster = await rosterOfRun({ folder: config.folder, coordinator, pinned }, offer)
  const mapping = config.mapping === undefined ? undefined : await readText(config.mapping, 'ERR_MAPPING')
  const open = async (plan: Plan): Promise<Records<Site>> => {
    const request = mapping === undefined ? {} : { mapping: parseMapping(parseYaml(mapping), plan.data) }
    return openRecords(config.data, request, { name: config.name, trainer, random }, plan)
  }
  const participant = createParticipant<unknown, Site>({
    name: config.name,
    identity,
    book: fileBook(config.folder, { name: config.name, coordinator, roster }),
    withdrawn: (session) => withdrawnFrom(config.folder, session),
    coordinator,
    roster,
    provider: nodeProvider,
    random,
    now: localMoment,
    log: claimed(fileAnswerLog(join(config.folder, 'answers')), claim),
    policy: () => readPolicy(policyPath(config)),
    desk,
    parse: (planText) => parsePlanFile(Buffer.from(planText).toString('utf8'), planMenus).plan,
    compute: (plan) => ({ plan, ...computationOf(plan, roster.length) }),
    open,
    during: async (work, beat) => {
      const timer = setInterval(beat, beatEvery)
      try {
        return await work
      } finally {
        clearInterval(timer)
      }
    },
    affords: async (run) => ledger.affords(run),
    charge: async (charge) => {
      await ledger.charge(charge)
      if (charge.unit === null) return
      const loss = lossOf(ledger.ledger(), config.dataset)
      const delta = config.budget?.delta ?? usualDelta
      const { releases } = loss
      report({ type: 'charged', unit: charge.unit, epsilon: epsilonOf(loss, delta), delta, releases })
    },
    keepReceipt: async (receipt) => receipts.contribution(receipt),
    report,
  })
  return withReceipts(participant, receipts)
}

const readText = (path: string, code: `ERR_${string}`): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })
