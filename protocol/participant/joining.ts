/** How a site joins a run: the offer's signature, the policy, its own data, a person's word, and only then its key. */

import { equalBytes, fromHex, toHex } from '../bytes.ts'
import type { CryptoProvider, RingVector } from '../crypto/provider.ts'
import { InputError, ProtocolError, SiteRefusal } from '../errors.ts'
import { authorBytes, type Plan, planHash } from '../plan.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import * as client from '../secagg/client.ts'
import { encodeSessionKey, type SessionKey } from '../secagg/messages.ts'
import { openSession, type Session } from '../secagg/session.ts'
import type { SiteLink } from '../wire/channel.ts'
import { limits } from '../wire/limits.ts'
import { encodeMessage } from '../wire/messages.ts'
import { checkOffer, type Offer } from '../wire/offer.ts'
import { passDesk } from './approval.ts'
import { consent, type Following, openFollowing, sayWithdrawn } from './following.ts'
import { dataFaults, type Fault, faultText, inForce, type Policy, planFaults } from './policy.ts'
import { previewOf } from './preview.ts'
import type { Contents } from './receipt.ts'
import type { Opened, SiteShell } from './shell.ts'

/** A run this site has joined. Kept when the link is lost, so that the same process takes it up again. */
export interface Membership<State, Site> extends Opened<State, Site> {
  readonly party: client.Party
  readonly sessionKey: SessionKey
  secure: client.ClientState
  peers: readonly SessionKey[]
  state: State
  stateHash: Uint8Array
  /** The round that starts from `state`, as far as this site followed the run. */
  round: number
  /** What was contributed to a state: said again, number by number, when its round is tried again. */
  said: Said | undefined
  /** What this process has let the run cost a person; the ledger has all runs. */
  charged: readonly PrivacyEvent[]
  readonly following: Following
}

export interface Said {
  readonly stateHash: Uint8Array
  readonly encoded: RingVector
  readonly contents: Contents
  /** Its cost is in the ledger. */
  charged: boolean
}

export interface Offered<State, Site> {
  readonly offer: Offer
  readonly before: Membership<State, Site> | undefined
}

export async function takeOffer<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { offer, before }: Offered<State, Site>,
): Promise<Membership<State, Site> | undefined> {
  try {
    await checkOffer(shell.provider, offer, shell)
    const membership = await joinRun(shell, link, { offer, before })
    const signed = await consent(shell, membership.plan)
    link.send(encodeMessage({ type: 'join', sessionKey: encodeSessionKey(membership.sessionKey), consent: signed }))
    const { id, formation } = membership.party.session
    const { mode, honest } = formation
    shell.report({ type: 'joined', session: toHex(id), plan: membership.plan.name, mode, honest })
    return membership
  } catch (error) {
    if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
    link.send(encodeMessage({ type: 'decline', code: error.code, reason: publicReason(error) }))
    shell.report({ type: 'declined', code: error.code, reason: error.message })
    return undefined
  }
}

/**
 * Errors of data quote what stands in a row, refusals the site's policy and budget: the coordinator is told the code
 * alone. What a person wrote to be told is told.
 */
export function publicReason(error: InputError | ProtocolError): string {
  const own = error instanceof InputError ? error.code !== 'ERR_PLAN_REFUSED' : error instanceof SiteRefusal
  return own
    ? `the site cannot take part (${error.code}); its own terminal says why`
    : error.message.slice(0, limits.reason / 4)
}

async function joinRun<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { offer, before }: Offered<State, Site>,
): Promise<Membership<State, Site>> {
  const { provider, random, identity, roster, log } = shell
  const plan = shell.parse(offer.plan)
  const session = await openSession(provider, {
    ...{ planHash: planHash(plan), roster, rules: plan },
    ...{ nonce: offer.nonce, coordinator: shell.coordinator },
  })
  const id = toHex(session.id)
  const reason = await shell.withdrawn?.(id)
  if (reason !== undefined) {
    await sayWithdrawn(shell, link, { plan, session: id, reason })
    throw new InputError('ERR_WITHDRAWN', `this site has left the study: ${reason}`)
  }
  const policy = await shell.policy()
  inForce(policy, shell.now())
  if (before !== undefined && equalBytes(before.party.session.id, session.id)) return before
  const index = roster.findIndex((entry) => equalBytes(entry.identity, identity.publicKey))
  if (index < 0)
    throw new InputError('ERR_NOT_IN_ROSTER', `expected this site's key ${toHex(identity.publicKey)} in the roster`)
  const opened = await allowed(shell, { policy, plan, session })
  const party: client.Party = { provider, random, session, index, sign: identity.sign, log }
  const following = await openFollowing(shell, id, plan)
  const { state: secure, answer: sessionKey } = await client.join(party)
  const state = opened.algorithm.init()
  const stateHash = await provider.sha256(opened.algorithm.encode(state))
  return {
    ...opened,
    party,
    sessionKey,
    secure,
    peers: [],
    state,
    stateHash,
    round: 0,
    said: undefined,
    charged: [],
    following,
  }
}

interface Candidate {
  readonly policy: Policy
  readonly plan: Plan
  readonly session: Session
}

/** The plan before the data, the data before a person is asked. @throws InputError ERR_POLICY_REFUSED and what `open` and the desk say. */
async function allowed<State, Site>(
  shell: SiteShell<State, Site>,
  { policy, plan, session }: Candidate,
): Promise<Opened<State, Site>> {
  if (plan.without?.includes(shell.name)) throw new InputError('ERR_LEFT_OUT', 'the plan leaves this site out')
  const computed = shell.compute(plan)
  const author = await authorOf(shell.provider, plan)
  const { honest } = session.formation
  const { unit, whole } = computed
  refuse(planFaults(policy, { plan, honest, author, protected: unit !== undefined, whole }))
  await shell.affords?.({ session: toHex(session.id), unit: unit ?? null, events: whole })
  const opened = { ...computed, ...(await shell.open(plan)) }
  if (shell.desk === undefined && policy.parametersPerRow === null) return opened
  // On a computation of its own: what the algorithm remembers of a site must not come from a rehearsal.
  const preview = await previewOf({ ...opened, ...shell.compute(plan) }, policy.privacy.delta)
  const { rows, parameters } = preview
  refuse(dataFaults(policy, { plan, rows, parameters }))
  if (shell.desk !== undefined)
    await passDesk(shell.desk, policy.approval, { plan, preview, came: shell.now().instant })
  return opened
}

/** The key that signed the plan. @throws InputError ERR_PLAN_AUTHOR where a signature is there and does not hold. */
async function authorOf(provider: CryptoProvider, plan: Plan): Promise<string | undefined> {
  if (plan.author === undefined) return undefined
  const { name, identity, signature } = plan.author
  if (await provider.ed25519Verify(fromHex(identity), authorBytes(plan), fromHex(signature))) return identity
  throw new InputError('ERR_PLAN_AUTHOR', `the plan does not carry the signature of ${name}`, 'author')
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new InputError('ERR_POLICY_REFUSED', faultText(faults))
}
