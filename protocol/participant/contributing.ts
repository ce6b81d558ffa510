/** A site's part in one round: policy, computation, encoding, noise and masks, and a receipt before anything leaves. */

import type { SumRequest } from '../algorithm.ts'
import { equalBytes, toHex } from '../bytes.ts'
import { InputError, ProtocolError, SiteRefusal } from '../errors.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import type { Charge } from '../privacy/ledger.ts'
import * as client from '../secagg/client.ts'
import { encodeSecure, type RoundStart, type ToCoordinator } from '../secagg/messages.ts'
import { Stream } from '../stream.ts'
import { encode } from '../vector/encoding.ts'
import { packVector } from '../vector/packing.ts'
import { attemptOf, roundOf } from '../wire/attempts.ts'
import type { SiteLink } from '../wire/channel.ts'
import { limits } from '../wire/limits.ts'
import { encodeMessage } from '../wire/messages.ts'
import { sayWithdrawn } from './following.ts'
import type { Membership, Said } from './joining.ts'
import { type Fault, faultText, inForce, type Policy, releaseCells, roundFaults } from './policy.ts'
import { contentsOf } from './receipt.ts'
import type { SiteShell } from './shell.ts'

interface Ahead<State, Site> {
  readonly membership: Membership<State, Site>
  readonly message: RoundStart
}

export async function contribute<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: Ahead<State, Site>,
): Promise<ToCoordinator> {
  const { party } = membership
  const round = roundOf(message.attempt)
  // A site that missed rounds catches up; one that followed them all knows the state of this one.
  if (round > membership.round) await catchUp(membership, link, { round, stateHash: message.stateHash })
  membership.peers = message.peers
  const started = await client.start(party, membership.secure, message, membership.stateHash)
  membership.secure = started.state
  for (const complaint of started.answer) link.send(encodeMessage({ type: 'secure', body: encodeSecure(complaint) }))
  const beat = (): void => link.send(encodeMessage({ type: 'progress', attempt: message.attempt, done: 0 }))
  const session = toHex(party.session.id)
  const reason = await shell.withdrawn?.(session)
  if (reason !== undefined) {
    await sayWithdrawn(shell, link, { plan: membership.plan, session, reason })
    throw new SiteRefusal('ERR_WITHDRAWN', `this site has left the study: ${reason}`)
  }
  const request = requestOf(membership)
  const said = await contributionTo(shell, membership, { round, beat })
  const vector = said.encoded.slice()
  membership.secure = await client.mask(party, membership.secure, vector)
  const bytes = packVector(vector, request)
  const hash = await party.provider.sha256(bytes)
  await shell.charge(chargeFor(membership, { attempt: message.attempt, request, again: said.charged }))
  said.charged = true
  await shell.keepReceipt({ ...said.contents, bytes: bytes.length, sha256: toHex(hash) })
  const next = { hash, length: bytes.length, nextAttempt: attemptOf(round + 1, 0), peers: membership.peers }
  const { state, answer } = await client.upload(party, membership.secure, next)
  membership.secure = state
  await link.upload(bytes, hash)
  shell.report({ type: 'contributed', round, bytes: bytes.length })
  return answer
}

/** Computed once a state: two contributions to one state, with other noise or on other records, would tell more than one. */
async function contributionTo<State, Site>(
  shell: SiteShell<State, Site>,
  membership: Membership<State, Site>,
  { round, beat }: { readonly round: number; readonly beat: () => void },
): Promise<Said> {
  const { party, plan, algorithm, site, state, stateHash } = membership
  const request = requestOf(membership)
  const said =
    membership.said !== undefined && equalBytes(membership.said.stateHash, stateHash) ? membership.said : undefined
  const charged = said === undefined ? [...membership.charged, ...membership.cost(request)] : membership.charged
  const policy = await askPolicy(shell, membership, charged)
  if (said !== undefined) return said
  shell.report({ type: 'contributing', round, purpose: request.purpose })
  // What these records cannot be used for ends this site's part in the round, and in no other run.
  const computed = await shell.during(algorithm.contribute(state, request, site, round), beat).catch(asRefusal)
  const released = releaseCells(policy, request, computed)
  if ('rule' in released) throw refused([released])
  const { lanes, suppressed } = released
  const coins = new Stream(`${plan.seed}/${shell.name}/${round}/rounding`)
  const encoded = encode(lanes, request, { sites: party.session.roster.length, coins })
  membership.noiseShare(encoded, request, party.random)
  const { unit, cost } = membership
  const contents = contentsOf({
    ...{ session: party.session.id, plan: plan.name, round, request, lanes, suppressed },
    ...{ mechanism: plan.privacy.name, unit: unit ?? null, charge: cost(request) },
  })
  membership.said = { stateHash, encoded, contents, charged: false }
  membership.charged = charged
  return membership.said
}

/** Once more before every round: the file may have changed, the hours may be over, the budget spent. */
async function askPolicy<State, Site>(
  shell: SiteShell<State, Site>,
  { plan, unit }: Membership<State, Site>,
  charged: readonly PrivacyEvent[],
): Promise<Policy> {
  try {
    const policy = await shell.policy()
    const now = shell.now()
    inForce(policy, now)
    const faults = roundFaults(policy, { plan, now, charged, protected: unit !== undefined })
    if (faults.length > 0) throw refused(faults)
    return policy
  } catch (error) {
    return asRefusal(error)
  }
}

function asRefusal(error: unknown): never {
  throw error instanceof InputError ? new SiteRefusal(error.code, error.message) : error
}

const refused = (faults: readonly Fault[]): SiteRefusal => new SiteRefusal('ERR_POLICY_REFUSED', faultText(faults))

/** The same numbers said again, noise and all: sites open at most one sum over a state, whichever attempt it is in. */
const nothingNew: readonly PrivacyEvent[] = [{ type: 'zcdp', rho: 0, count: 1 }]

interface Release {
  readonly attempt: number
  readonly request: SumRequest
  /** These numbers have been charged before. */
  readonly again: boolean
}

const chargeFor = <State, Site>(
  { party, plan, unit, cost }: Membership<State, Site>,
  { attempt, request, again }: Release,
): Charge => ({
  session: toHex(party.session.id),
  plan: plan.name,
  attempt,
  purpose: request.purpose,
  unit: unit ?? null,
  events: again ? nothingNew : cost(request),
})

/** A site that was away takes the state as published; its hash is what the masks of this round are bound to. */
async function catchUp<State, Site>(
  membership: Membership<State, Site>,
  link: SiteLink,
  { round, stateHash }: { readonly round: number; readonly stateHash: Uint8Array },
): Promise<void> {
  if (!equalBytes(stateHash, membership.stateHash)) {
    const bytes = await link.download(stateHash, limits.blob)
    membership.state = membership.algorithm.decode(bytes)
    membership.stateHash = await membership.party.provider.sha256(bytes)
  }
  membership.round = round
}

function requestOf<State, Site>({ algorithm, state }: Membership<State, Site>): SumRequest {
  const request = algorithm.request(state)
  if (request === undefined)
    throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', 'the computation is complete, no round is left', 'coordinator')
  return request
}
